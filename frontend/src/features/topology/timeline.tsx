import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Pause, Play } from 'lucide-react';
import { useMemo } from 'react';
import { changesOptions, timelineOptions } from '../../api/generated/@tanstack/react-query.gen';
import { changeAddress } from '../../lib/addresses';
import { clock, plain, share } from '../../lib/format';
import { changeInScope } from '../../lib/scope';
import { useChangeWords } from '../../ui/change-words';
import { useScope } from '../../ui/use-scope';
import { hourOf, type Mark, marksOf } from './model/timeline';
import { useTopologyTexts } from './texts';
import './timeline.css';
import { TimelineBars } from './timeline-bars';

/** Bars are of 30 s, at whole multiples of it: asking oftener shows nothing new. */
const every = 15_000;
/** The most room that words get, in parts of the hour; longer ones are cut. */
const mostRoom = 0.2;
/** The room that a text takes, in parts of an hour that is as wide as usual. */
const roomOf = (text: string) => ([...text].reduce((sum, c) => sum + (c > '\u2e80' ? 11.5 : 6.2), 0) + 26) / 980;

interface TimelineProps {
  paused: boolean;
  /** When what is shown was measured. */
  at: string | undefined;
  onPause: () => void;
  onSelect: (node: string) => void;
}

/** The last hour at one glance: the error share, what was changed, and what began to fail. */
export function Timeline({ paused, at, onPause, onSelect }: TimelineProps) {
  const t = useTopologyTexts();
  const words = useChangeWords();
  const scope = useScope();
  const namespace = scope.namespaces.join(',');
  const refresh = { refetchInterval: paused ? (false as const) : every, staleTime: every };
  const hour = useQuery({ ...timelineOptions({ query: namespace ? { namespace } : {} }), ...refresh });
  const latest = useQuery({ ...changesOptions({ query: { limit: 50 } }), ...refresh }).data?.items;
  const changes = useMemo(() => (latest ?? []).filter((c) => changeInScope(scope, c)), [latest, scope]);
  const shape = useMemo(() => hourOf(hour.data?.bars ?? [], hour.data?.step ?? 30), [hour.data]);
  const marks = useMemo(
    () =>
      marksOf(shape, changes, hour.data?.incidents ?? [], (mark) => {
        const said =
          mark.kind === 'change'
            ? words.summary(mark.change.summary)
            : t('timeline.fails', { name: mark.incident.name });
        return Math.min(mostRoom, roomOf(said));
      }),
    [shape, changes, hour.data, words, t],
  );
  const measured = shape.bars.some((b) => b.bar.rps > 0);
  const most = Math.max(0, ...shape.bars.map((b) => b.bar.errorShare));
  const summary = t('timeline.summary', {
    most: plain(share(most)),
    now: plain(share(shape.bars.at(-1)?.bar.errorShare ?? 0)),
  });
  return (
    <section className="tp-tl" aria-label={t('timeline')}>
      <Button
        variant="plain"
        aria-label={t(paused ? 'resume' : 'pause')}
        aria-pressed={paused}
        icon={paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
        onClick={onPause}
      />
      <span className="tp-tl-t">{paused && at ? t('paused', { time: clock(at) }) : t('timeline')}</span>
      <div className="tp-tl-plot">
        {hour.isError && shape.bars.length === 0 && <span className="tp-tl-none dim">{t('timeline.away')}</span>}
        {hour.isSuccess && !measured && <span className="tp-tl-none dim">{t('timeline.none')}</span>}
        {measured && (
          <TimelineBars
            hour={shape}
            changes={changes}
            incidents={hour.data?.incidents ?? []}
            summary={summary}
            onSelect={onSelect}
          />
        )}
        {marks.map((mark) => (
          <TimelineMark key={`${mark.kind} ${mark.at} ${markKey(mark)}`} mark={mark} onSelect={onSelect} />
        ))}
        {shape.bars.length > 0 &&
          [0, 0.25, 0.5, 0.75].map((part) => (
            <span key={part} className="tp-tl-x num" style={{ insetInlineStart: `${part * 100}%` }}>
              {clock(shape.start + part * (shape.end - shape.start), 'minute')}
            </span>
          ))}
      </div>
      {shape.bars.length > 0 && (
        <span className="tp-tl-now num">{t('timeline.now', { time: clock(shape.end, 'minute') })}</span>
      )}
    </section>
  );
}

const markKey = (mark: Mark) => (mark.kind === 'change' ? mark.change.id : mark.incident.node);

function TimelineMark({ mark, onSelect }: { mark: Mark; onSelect: (node: string) => void }) {
  const t = useTopologyTexts();
  const words = useChangeWords();
  const className = `tp-tl-m${mark.left ? ' is-left' : ''}${mark.kind === 'incident' ? ' is-bad' : ''}`;
  const style = { insetInlineStart: `${mark.place * 100}%` };
  const time = clock(mark.at, 'minute');
  if (mark.kind === 'incident') {
    const { name, node, type } = mark.incident;
    const label = t('timeline.incident', { name, time });
    return (
      <button
        type="button"
        className={className}
        style={style}
        aria-label={label}
        title={label}
        onClick={() => onSelect(node)}
        data-type={type}
      >
        <i className="tp-tl-g" aria-hidden="true" />
        {mark.named && (
          <span className="tp-tl-w" data-ellipsis>
            {t('timeline.fails', { name })}
          </span>
        )}
      </button>
    );
  }
  const what = words.summary(mark.change.summary);
  const label = t('timeline.change', { id: mark.change.id, actor: mark.change.actor, time, what });
  return (
    <Link to={changeAddress(mark.change.id)} className={className} style={style} aria-label={label} title={label}>
      <i className="tp-tl-g" aria-hidden="true" />
      {mark.named && (
        <span className="tp-tl-w" data-ellipsis>
          {what}
        </span>
      )}
    </Link>
  );
}
