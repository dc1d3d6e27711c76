import { defineTexts } from '../../i18n/texts';
import en from './yaml.texts.en.json';
import zh from './yaml.texts.zh.json';

export const useYamlTexts = defineTexts('yaml', en, zh);
