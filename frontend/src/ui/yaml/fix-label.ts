import { type OtherFix, otherFixWords } from '../../lib/fixes';
import { type Found, fixWords } from '../../lib/found';
import { useYamlTexts } from './texts';

/** What the button of a fix says that may lie in another object. */
export function useOtherFixLabel(): (fix: OtherFix) => string {
  const t = useYamlTexts();
  return (fix) => {
    const { key, ...values } = otherFixWords(fix);
    return t.maybe(`fix.${key}`, values) ?? t('fix.fix');
  };
}

/** The label of a fix's button, in the page's language. */
export function useFixLabel(): (finding: Pick<Found, 'fix' | 'splices'>) => string {
  const t = useYamlTexts();
  return (finding) => {
    const { key, ...values } = fixWords(finding);
    return t(`fix.${key}`, values as Record<string, string>);
  };
}
