import { Link } from '@tanstack/react-router';
import { Bell as BellIcon } from 'lucide-react';
import type { MeshFinding } from '../../api/generated/types.gen';
import { useSelected, useTopic } from '../../api/live/use-live';
import { useAppTexts } from '../texts';

/** What a person has to look at: notes are not counted. */
const serious = (findings: ReadonlyMap<string, MeshFinding>): number =>
  [...findings.values()].filter((f) => f.severity !== 'info').length;

export const useFindingCount = (): number => useSelected(useTopic('findings'), serious);

/** How many findings are open. Nothing is filled when there are none. */
export function Bell() {
  const t = useAppTexts();
  const count = useFindingCount();
  return (
    <Link to="/findings" className="bell" aria-label={t('findings', { count })}>
      <BellIcon size={16} strokeWidth={1.7} aria-hidden />
      {count > 0 && (
        <span className="bell-n num" aria-hidden>
          {count > 99 ? '99+' : count}
        </span>
      )}
    </Link>
  );
}
