import { defineTexts } from '../../i18n/texts';
import en from './rules.texts.en.json';
import zh from './rules.texts.zh.json';

export const useRulesTexts = defineTexts('rules', en, zh);
