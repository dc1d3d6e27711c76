import { type FindingLike, findingMessage, useFindingCatalogue } from '../i18n/findings';

/** What a finding says, in the language of the page; names and values stay as they are. */
export function FindingText({ finding }: { finding: FindingLike }) {
  return <>{findingMessage(finding, useFindingCatalogue())}</>;
}
