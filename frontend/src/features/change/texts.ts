import { defineTexts } from '../../i18n/texts';
import en from './change.texts.en.json';
import zh from './change.texts.zh.json';

export const useChangeTexts = defineTexts('change', en, zh);
export type ChangeTexts = ReturnType<typeof useChangeTexts>;
