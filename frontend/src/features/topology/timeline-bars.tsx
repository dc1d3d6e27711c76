import { Button } from '@patternfly/react-core';
import { Link, useNavigate } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { type KeyboardEvent, type MouseEvent, type PointerEvent, useEffect, useId, useRef, useState } from 'react';
import type { GraphTransition, HistoryChange } from '../../api/generated/types.gen';
import { changeAddress } from '../../lib/addresses';
import { clock, plain, rate, share } from '../../lib/format';
import { useChangeWords } from '../../ui/change-words';
import { barAt, barByKey, type Instant, instantOf } from './model/instant';
import type { Hour } from './model/timeline';
import { useTopologyTexts } from './texts';

const height = 17;

interface TimelineBarsProps {
  hour: Hour;
  changes: readonly HistoryChange[];
  incidents: readonly GraphTransition[];
  /** The whole hour in words. */
  summary: string;
  onSelect: (node: string) => void;
}

/**
 * The bars of the hour, which are one stop of Tab. A click or Enter opens the change that was made
 * then; where there was none, or more than one, it says what happened.
 */
export function TimelineBars({ hour, changes, incidents, summary, onSelect }: TimelineBarsProps) {
  const t = useTopologyTexts();
  const navigate = useNavigate();
  const help = useId();
  const plot = useRef<HTMLDivElement>(null);
  const last = hour.bars.length - 1;
  // By its time, not its place: the hour goes on while somebody reads.
  const [chosen, setChosen] = useState<string>();
  const [opened, setOpened] = useState<string>();
  const [hovered, setHovered] = useState<number>();
  const indexOf = (at: string | undefined) => hour.bars.findIndex((b) => b.bar.at === at);
  const found = indexOf(chosen);
  const current = found < 0 ? last : found;
  const instant = (index: number) => instantOf(hour, index, changes, incidents);
  const shown = opened === undefined ? undefined : instant(indexOf(opened));

  const said = (of: Instant) =>
    t('timeline.at', {
      time: clock(of.to),
      share: plain(share(of.errorShare)),
      rate: plain(rate(of.rps, t('col.rps'))),
      changes: t('timeline.changes', { count: of.changes.length }),
    });
  const choose = (index: number) => setChosen(hour.bars[index]?.bar.at);
  const open = (index: number) => {
    const only = instant(index)?.changes;
    choose(index);
    if (only?.length === 1 && only[0]) {
      void navigate({ to: changeAddress(only[0].id) });
    } else {
      setOpened(hour.bars[index]?.bar.at);
    }
  };
  const close = () => {
    setOpened(undefined);
    plot.current?.focus();
  };
  const under = (event: PointerEvent | MouseEvent): number => {
    const box = event.currentTarget.getBoundingClientRect();
    return barAt(hour, (event.clientX - box.left) / Math.max(1, box.width));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = barByKey(event.key, current, hour.bars.length);
    if (to !== undefined) {
      choose(to);
    } else if (event.key === 'Enter' || event.key === ' ') {
      open(current);
    } else {
      return;
    }
    event.preventDefault();
  };
  const now = instant(current);
  // Where fewer bars come than there were, the pointer may be beyond the last.
  const pointed = hovered === undefined ? undefined : instant(hovered);
  const lit = hour.bars[hovered ?? -1];
  const marked = hour.bars[current];
  return (
    <>
      <div
        ref={plot}
        className="tp-tl-bars"
        role="slider"
        tabIndex={0}
        aria-label={summary}
        aria-describedby={help}
        aria-valuemin={1}
        aria-valuemax={hour.bars.length}
        aria-valuenow={current + 1}
        aria-valuetext={now && said(now)}
        aria-haspopup="dialog"
        title={pointed && said(pointed)}
        onKeyDown={onKeyDown}
        onClick={(event) => open(under(event))}
        onPointerMove={(event) => setHovered(under(event))}
        onPointerLeave={() => setHovered(undefined)}
      >
        <svg className="tp-tl-svg" viewBox={`0 0 1000 ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {marked && (
            <rect x={marked.from * 1000} width={marked.width * 1000} y={0} height={height} className="tp-tl-on" />
          )}
          {lit && <rect x={lit.from * 1000} width={lit.width * 1000} y={0} height={height} className="tp-tl-lit" />}
          {hour.bars.map(({ from, width, height: h, wrong, bar }) => (
            <rect
              key={bar.at}
              x={from * 1000 + 0.8}
              width={width * 1000 - 1.6}
              y={height * (1 - h)}
              height={height * h}
              className={wrong ? 'tp-tl-bad' : 'tp-tl-bar'}
            />
          ))}
        </svg>
      </div>
      <p id={help} className="vh">
        {t('timeline.help')}
      </p>
      {shown && (
        <InstantBox
          instant={shown}
          place={(shown.from + (shown.to - shown.from) / 2 - hour.start) / (hour.end - hour.start)}
          onClose={close}
          onLeave={() => setOpened(undefined)}
          onSelect={(node) => {
            close();
            onSelect(node);
          }}
        />
      )}
    </>
  );
}

interface InstantBoxProps {
  instant: Instant;
  /** Above which part of the hour, from 0 to 1. */
  place: number;
  onClose: () => void;
  /** Somebody went on to something else. */
  onLeave: () => void;
  onSelect: (node: string) => void;
}

/** What happened at one instant, above its bar. */
function InstantBox({ instant, place, onClose, onLeave, onSelect }: InstantBoxProps) {
  const t = useTopologyTexts();
  const words = useChangeWords();
  const root = useRef<HTMLDivElement>(null);
  const title = t('timeline.span', { from: clock(instant.from), to: clock(instant.to) });
  useEffect(() => root.current?.focus(), []);
  const latest = useRef(onLeave);
  latest.current = onLeave;
  useEffect(() => {
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) {
        latest.current();
      }
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, []);
  const side = place < 0.25 ? 'start' : place > 0.75 ? 'end' : 'middle';
  return (
    <div
      ref={root}
      className={`tp-tl-box is-${side}`}
      style={{ insetInlineStart: `${place * 100}%` }}
      role="dialog"
      aria-label={title}
      tabIndex={-1}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <div className="tp-tl-box-h num">
        <b>{title}</b>
        <Button
          variant="plain"
          size="sm"
          aria-label={t('timeline.close')}
          icon={<X size={13} aria-hidden />}
          onClick={onClose}
        />
      </div>
      <p className="num">
        {t('timeline.figures', {
          share: plain(share(instant.errorShare)),
          rate: plain(rate(instant.rps, t('col.rps'))),
        })}
      </p>
      {instant.changes.length === 0 && instant.incidents.length === 0 ? (
        <p className="dim">{t('timeline.noChange')}</p>
      ) : (
        <ul>
          {instant.incidents.map(({ node, name, at }) => (
            <li key={`${node} ${at}`} className="is-bad">
              <i className="tp-tl-g" aria-hidden="true" />
              <button type="button" onClick={() => onSelect(node)}>
                {t('timeline.incident', { name, time: clock(at) })}
              </button>
            </li>
          ))}
          {instant.changes.map((change) => (
            <li key={change.id}>
              <i className="tp-tl-g" aria-hidden="true" />
              <span>
                <Link to={changeAddress(change.id)}>{words.summary(change.summary)}</Link>{' '}
                <span className="dim">{t('timeline.by', { actor: change.actor, time: clock(change.at) })}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
