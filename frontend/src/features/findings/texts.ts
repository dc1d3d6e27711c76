import { defineTexts } from '../../i18n/texts';
import en from './findings.texts.en.json';
import zh from './findings.texts.zh.json';

export const useFindingsTexts = defineTexts('findings-page', en, zh);
