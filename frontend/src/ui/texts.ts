import { defineTexts } from '../i18n/texts';
import en from './ui.texts.en.json';
import zh from './ui.texts.zh.json';

export const useUiTexts = defineTexts('ui', en, zh);
