import { defineTexts } from '../../i18n/texts';
import en from './auth.texts.en.json';
import zh from './auth.texts.zh.json';

export const useAuthTexts = defineTexts('auth', en, zh);
