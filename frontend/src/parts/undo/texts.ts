import { defineTexts } from '../../i18n/texts';
import en from './undo.texts.en.json';
import zh from './undo.texts.zh.json';

export const useUndoTexts = defineTexts('undo', en, zh);
