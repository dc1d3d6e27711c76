import { defineTexts } from '../../i18n/texts';
import en from './preview.texts.en.json';
import zh from './preview.texts.zh.json';

export const usePreviewTexts = defineTexts('preview', en, zh);
