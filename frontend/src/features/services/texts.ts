import { defineTexts } from '../../i18n/texts';
import en from './services.texts.en.json';
import zh from './services.texts.zh.json';

export const useServicesTexts = defineTexts('services', en, zh);
