import { defineTexts } from '../../i18n/texts';
import en from './canary.texts.en.json';
import zh from './canary.texts.zh.json';

export const useCanaryTexts = defineTexts('canary', en, zh);
