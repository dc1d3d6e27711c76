import i18next from 'i18next';
import type { Language } from '../lib/format';

/**
 * The one instance of i18next. Catalogues are added by `defineTexts` when the chunk of their
 * feature is loaded, in both languages, so that switching needs no request.
 */
export const i18n = i18next.createInstance();

void i18n.init({
  lng: document.documentElement.lang.startsWith('zh') ? 'zh' : 'en',
  fallbackLng: false,
  keySeparator: false,
  nsSeparator: '::',
  resources: {},
  initAsync: false,
  interpolation: { escapeValue: false }, // React escapes
  returnNull: false,
});

export const language = (): Language => (i18n.language === 'zh' ? 'zh' : 'en');

/** Switches every text on the page. */
export async function setLanguage(to: Language): Promise<void> {
  document.documentElement.lang = to === 'zh' ? 'zh-CN' : 'en';
  await i18n.changeLanguage(to);
}
