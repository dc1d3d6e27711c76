import { defineTexts } from '../../i18n/texts';
import en from './check.texts.en.json';
import zh from './check.texts.zh.json';

export const useCheckTexts = defineTexts('check', en, zh);
