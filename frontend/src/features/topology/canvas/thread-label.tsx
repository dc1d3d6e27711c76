import { memo } from 'react';
import { byteRate, duration, plain, rate, share } from '../../../lib/format';
import { HealthGlyph, Lock } from '../../../ui/glyph';
import { useEdges } from '../graph-store';
import { isLoud } from '../model/drawing';
import { type ThreadFigures, threadFigures } from '../model/figures';
import type { SceneThread } from '../model/scene';
import { useTopologyTexts } from '../texts';

export type LabelChoice = 'rate' | 'errors' | 'p95' | 'none';

interface ThreadLabelProps {
  thread: SceneThread;
  x: number;
  y: number;
  choice: LabelChoice;
  dim: boolean;
}

/** What stands at a thread: one value and a lock, or what is wrong with it. */
export const ThreadLabel = memo(function ThreadLabel({ thread, x, y, choice, dim }: ThreadLabelProps) {
  const t = useTopologyTexts();
  const figures = threadFigures(useEdges(thread.edges));
  const loud = isLoud(figures.state);
  const lines = loud ? loudLines(figures, t) : [value(figures, choice === 'none' ? 'rate' : choice, t)];
  return (
    <div
      className={`chip tp-label${loud ? ` k-${figures.state}` : ''}${dim ? ' is-dim' : ''}`}
      style={{ transform: `translate(-50%, -50%) translate(${Math.round(x)}px, ${Math.round(y)}px)` }}
      data-thread={thread.id}
      aria-hidden="true"
    >
      {loud && <HealthGlyph health={figures.state} size={11} label="" />}
      <span className="num">
        {lines.map((line) => (
          <span key={line} className="tp-label-line">
            {line}
          </span>
        ))}
      </span>
      {!loud && figures.mutualTls && <Lock open={figures.mutualTls !== 'all'} size={10} />}
    </div>
  );
});

type Texts = ReturnType<typeof useTopologyTexts>;

function value(figures: ThreadFigures, choice: 'rate' | 'errors' | 'p95', t: Texts): string {
  if (figures.bytes !== undefined) {
    return figures.bytes === 0 ? t('thread.idle') : plain(byteRate(figures.bytes));
  }
  if (figures.rate === 0) {
    return t('thread.idle');
  }
  switch (choice) {
    case 'errors':
      return plain(share(figures.errorShare));
    case 'p95':
      return figures.p95 === undefined ? '–' : plain(duration(figures.p95));
    default:
      return plain(rate(figures.rate, t('col.rps')));
  }
}

/** Rate and what is wrong: the error share, or how slow it is. */
function loudLines(figures: ThreadFigures, t: Texts): string[] {
  const slow = figures.health.reasons?.[0]?.code === 'slow';
  return [
    value(figures, 'rate', t),
    slow && figures.p95 !== undefined
      ? `${plain(duration(figures.p95))}\u00a0${t('p95.unit')}`
      : `${plain(share(figures.errorShare))}\u00a0${t('errors.unit')}`,
  ];
}
