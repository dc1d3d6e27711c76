import { defineTexts } from '../../i18n/texts';
import en from './overview.texts.en.json';
import zh from './overview.texts.zh.json';

export const useOverviewTexts = defineTexts('overview', en, zh);
