import { defineTexts } from '../../i18n/texts';
import en from './settings.texts.en.json';
import zh from './settings.texts.zh.json';

export const useSettingsTexts = defineTexts('settings', en, zh);
