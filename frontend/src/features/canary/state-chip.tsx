import type { CanaryTold } from '../../api/generated/types.gen';
import { count } from '../../lib/format';
import { StateChip } from '../../ui/states';
import { type Shares, widestGap } from './split-math';
import { useCanaryTexts } from './texts';

interface SplitStateProps {
  draft: boolean;
  conflict: boolean;
  /** It is written, and the mesh does not say so yet. */
  waiting: boolean;
  told: CanaryTold | undefined;
  versions: readonly string[];
  /** What stands. */
  asked: Shares;
}

/** Measured shares are so near to what was asked, in points, that the gap is not worth a word. */
const near = 2;

/** Where the split stands; the only thing that changes between the states. */
export function SplitState({ draft, conflict, waiting, told, versions, asked }: SplitStateProps) {
  const t = useCanaryTexts();
  if (conflict) {
    return <StateChip state="conflict">{t('state.conflict')}</StateChip>;
  }
  if (draft) {
    return <StateChip state="draft">{t('state.draft')}</StateChip>;
  }
  if (waiting && !told?.total) {
    return <StateChip state="pending">{t('state.written')}</StateChip>;
  }
  if (!told) {
    return null;
  }
  const { total } = told;
  if (waiting || told.state === 'pending') {
    const acked = waiting ? 0 : told.acked;
    return (
      <StateChip state="pending">
        {!waiting && told.rejected > 0
          ? t('state.rejected', { acked, total, rejected: told.rejected })
          : t('state.pending', { acked, total })}
      </StateChip>
    );
  }
  if (told.state === 'settled') {
    return <StateChip state="settled">{t('state.settled')}</StateChip>;
  }
  if (told.state === 'acknowledged') {
    return (
      <StateChip state="settled">
        {total === 0
          ? t('state.acknowledged')
          : told.acked === total
            ? t('state.all', { total })
            : t('state.pending', { acked: told.acked, total })}
      </StateChip>
    );
  }
  if (told.n === 0) {
    return <StateChip state="converging">{t('state.none')}</StateChip>;
  }
  const measured = versions.map((v) => told.measured[v]?.pct ?? 0);
  const i = widestGap(asked, measured);
  const gap = Math.abs((measured[i] ?? 0) - (asked[i] ?? 0));
  return (
    <StateChip state="converging">
      {told.n < told.enough && gap <= near
        ? t('state.few', { n: count(told.n), enough: told.enough })
        : t('state.converging', {
            version: versions[i] ?? '',
            measured: Math.round(measured[i] ?? 0),
            asked: asked[i] ?? 0,
          })}
    </StateChip>
  );
}
