import { defineTexts } from '../../i18n/texts';
import en from './proxies.texts.en.json';
import zh from './proxies.texts.zh.json';

export const useProxiesTexts = defineTexts('proxies-page', en, zh);
