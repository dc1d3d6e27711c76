import { defineTexts } from '../../i18n/texts';
import en from './topology.texts.en.json';
import zh from './topology.texts.zh.json';

export const useTopologyTexts = defineTexts('topology', en, zh);
