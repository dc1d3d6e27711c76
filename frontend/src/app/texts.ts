import { defineTexts } from '../i18n/texts';
import en from './app.texts.en.json';
import zh from './app.texts.zh.json';

export const useAppTexts = defineTexts('app', en, zh);
