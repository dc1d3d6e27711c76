import { type OtherFix, otherFixWords } from '../../lib/fixes';
import { useYamlTexts } from './texts';

/** What the button of a fix says that may lie in another object. */
export function useOtherFixLabel(): (fix: OtherFix) => string {
  const t = useYamlTexts();
  return (fix) => {
    const { key, ...values } = otherFixWords(fix);
    return t.maybe(`fix.${key}`, values) ?? t('fix.fix');
  };
}
