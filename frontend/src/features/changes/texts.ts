import { defineTexts } from '../../i18n/texts';
import en from './changes.texts.en.json';
import zh from './changes.texts.zh.json';

export const useChangesTexts = defineTexts('changes', en, zh);
