import { Link } from '@tanstack/react-router';
import type { DeliverySummary, HistoryChange } from '../../api/generated/types.gen';
import { useElement, useTopic } from '../../api/live/use-live';
import { asProblem } from '../../api/problem';
import { useMayWrite } from '../../api/rights';
import { changeAddress } from '../../lib/addresses';
import { duration, instant, plain } from '../../lib/format';
import { UndoButton } from '../../parts/undo/undo-button';
import { undoRefs } from '../../parts/undo/undo-entries';
import { useChangeWords } from '../../ui/change-words';
import { Sheet } from '../../ui/page';
import { Banner, Failed, Loading } from '../../ui/states';
import { useOverviewTexts } from './texts';
import type { useChanges } from './use-changes';

/** How many are shown; the rest is history. */
const shown = 5;

interface ChangesSheetProps {
  readonly of: ReturnType<typeof useChanges>;
  /** What was taken back last on this page. */
  readonly undone: HistoryChange | undefined;
  readonly onUndone: (change: HistoryChange) => void;
}

/** The latest changes, each with its own undo. */
export function ChangesSheet({ of: { query, changes }, undone, onUndone }: ChangesSheetProps) {
  const t = useOverviewTexts();
  const words = useChangeWords();
  return (
    <Sheet title={t('changes')} end={<Link to="/changes">{t('changes.all')}</Link>}>
      {query.isPending && <Loading />}
      {query.isError && <Failed error={asProblem(query.error)} retry={() => void query.refetch()} />}
      {query.isSuccess && changes.length === 0 && <p className="ov-none">{t('changes.none')}</p>}
      <div role="status" className={undone ? 'ov-undo' : undefined}>
        {undone && <Banner tone="plain">{t('undo.done', { what: words.summary(undone.summary) })}</Banner>}
      </div>
      {changes.length > 0 && (
        <ul className="ov-chg">
          {changes.slice(0, shown).map((change) => (
            <Change key={change.id} change={change} onUndone={() => onUndone(change)} />
          ))}
        </ul>
      )}
    </Sheet>
  );
}

function Change({ change, onUndone }: { change: HistoryChange; onUndone: () => void }) {
  const t = useOverviewTexts();
  const words = useChangeWords();
  const mayWrite = useMayWrite();
  const summary = words.summary(change.summary);
  return (
    <li>
      <time dateTime={change.at}>{instant(change.at, Date.now())}</time>
      <div>
        <Link to={changeAddress(change.id)} className="plain">
          {summary}
        </Link>
        <div className="dim num">
          {words.who(change.actor, change.via)}
          <Taken change={change.id} />
          {change.undoneBy && ` · ${t('changes.undone')}`}
        </div>
      </div>
      {change.undoable && !change.undoneBy && mayWrite(undoRefs(change)) && (
        <UndoButton change={change} label={t('undo')} what={t('undo.of', { what: summary })} onUndone={onUndone} />
      )}
    </li>
  );
}

/** Which proxies took it, as far as it is still known. */
function Taken({ change }: { change: string }) {
  const t = useOverviewTexts();
  const summary = useElement<DeliverySummary>(useTopic('delivery', { change }), 'summary');
  if (!summary?.known) {
    return null;
  }
  return <> · {taken(summary, t)}</>;
}

/** "taken by 20 proxies in 1.4 s", "12 of 20 proxies have it", "19 of 20, one rejected". */
export function taken(of: DeliverySummary, t: ReturnType<typeof useOverviewTexts>): string {
  const { concerned: all, acknowledged: acked, rejected, pending } = of;
  if (all === 0) {
    return t('changes.nobody');
  }
  if (rejected > 0) {
    return t('changes.rejected', { acked, all, rejected });
  }
  if (pending > 0 || !of.last) {
    return t('changes.pending', { acked, all });
  }
  const ms = Date.parse(of.last) - Date.parse(of.written);
  return t('changes.taken', { count: acked, time: plain(duration(Math.max(0, ms))) });
}
