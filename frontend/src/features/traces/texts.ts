import { defineTexts } from '../../i18n/texts';
import en from './traces.texts.en.json';
import zh from './traces.texts.zh.json';

export const useTracesTexts = defineTexts('traces-page', en, zh);
