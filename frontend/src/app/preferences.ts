import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { setLanguage } from '../i18n/i18n';
import type { Language } from '../lib/format';

/** Each language by its own name. */
export const languages = { en: 'English', zh: '简体中文' } as const;

/** What a person chose for this browser. public/theme.js reads it before the first paint. */
interface Preferences {
  theme: 'system' | 'light' | 'dark';
  /** Undefined: as the browser says. */
  language?: Language;
  setTheme(theme: Preferences['theme']): void;
  setLanguage(language: Language): void;
}

export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      theme: 'system',
      setTheme: (theme) => set({ theme }),
      setLanguage: (language) => set({ language }),
    }),
    { name: 'heddle.preferences', partialize: ({ theme, language }) => ({ theme, language }) },
  ),
);

const darkScheme = matchMedia('(prefers-color-scheme: dark)');

export const isDark = (theme: Preferences['theme']): boolean =>
  theme === 'dark' || (theme === 'system' && darkScheme.matches);

function apply({ theme, language }: Preferences): void {
  document.documentElement.classList.toggle('pf-v6-theme-dark', isDark(theme));
  if (language) {
    void setLanguage(language);
  }
}

/** Makes the page follow the preferences and the system's choice. */
export function followPreferences(): void {
  apply(usePreferences.getState());
  usePreferences.subscribe(apply);
  darkScheme.addEventListener('change', () => apply(usePreferences.getState()));
}
