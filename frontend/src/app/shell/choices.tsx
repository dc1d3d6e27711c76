import { Button, SelectList, SelectOption } from '@patternfly/react-core';
import { Languages, Moon, Sun } from 'lucide-react';
import { isDark, languages, usePreferences } from '../preferences';
import { useAppTexts } from '../texts';
import { Picker } from './picker';

/** Switches between light and dark; until then the system's choice holds. */
export function ThemeSwitch() {
  const t = useAppTexts();
  const { theme, setTheme } = usePreferences();
  const dark = isDark(theme);
  const Icon = dark ? Sun : Moon;
  return (
    <Button
      variant="plain"
      aria-label={t(dark ? 'theme.light' : 'theme.dark')}
      icon={<Icon size={16} strokeWidth={1.7} aria-hidden />}
      onClick={() => setTheme(dark ? 'light' : 'dark')}
    />
  );
}

/** Switches between English and Chinese; says the language that is now. */
export function LanguageSwitch() {
  const t = useAppTexts();
  const setLanguage = usePreferences((p) => p.setLanguage);
  const other = t.language === 'zh' ? 'en' : 'zh';
  return (
    <Button
      variant="plain"
      aria-label={`${t('language')}: ${languages[t.language]}`}
      icon={
        <span className="lang">
          <Languages size={16} strokeWidth={1.7} aria-hidden />
          {t.language === 'zh' ? '中' : 'EN'}
        </span>
      }
      onClick={() => setLanguage(other)}
    />
  );
}

/** The same choice as a list, for who does not know the page yet. */
export function LanguagePicker() {
  const t = useAppTexts();
  const setLanguage = usePreferences((p) => p.setLanguage);
  return (
    <Picker
      label={`${t('language')}: ${languages[t.language]}`}
      value={languages[t.language]}
      icon={<Languages size={15} strokeWidth={1.7} aria-hidden />}
      selected={t.language}
      onPick={(_, picked) => setLanguage(picked === 'zh' ? 'zh' : 'en')}
    >
      <SelectList>
        <SelectOption value="en">English</SelectOption>
        <SelectOption value="zh">简体中文</SelectOption>
      </SelectList>
    </Picker>
  );
}
