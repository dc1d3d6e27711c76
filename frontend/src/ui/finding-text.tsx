import { type FindingLike, findingMessage, useFindingCatalogue } from '../i18n/findings';
import { useUiTexts } from './texts';

/** What a finding says, in the language of the page; names and values stay as they are. */
export function FindingText({ finding }: { finding: FindingLike }) {
  return <>{findingMessage(finding, useFindingCatalogue())}</>;
}

/** Why it matters and what to do, as the catalogue explains the code. */
export function FindingHelp({ code }: { code: string }) {
  const t = useUiTexts();
  const words = useFindingCatalogue()?.[code];
  if (!words) {
    return null;
  }
  return (
    <dl className="finding-help">
      <dt>{t('finding.why')}</dt>
      <dd>{words.why}</dd>
      <dt>{t('finding.fix')}</dt>
      <dd>{words.fix}</dd>
    </dl>
  );
}
