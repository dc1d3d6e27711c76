import { type CSSProperties, type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react';
import { weave } from '../../ui/weave';
import { ends, keyMove, moveBoundary, type Shares, sameShares } from './split-math';
import { useCanaryTexts } from './texts';
import { handleSteps, placeCaptions } from './track';

interface ShareSliderProps {
  versions: readonly string[];
  asked: Shares;
  effect: Shares;
  /** In percent; undefined where nothing was counted. */
  measured: Shares | undefined;
  /** Other routes have a part in what is measured. */
  allRoutes: boolean;
  /** Without it the shares can only be looked at. */
  onAsk?: (shares: number[]) => void;
  /** Back to what is in effect; undefined while that is what is asked. */
  onReset?: (() => void) | undefined;
  /** A handle is held, or was let go. */
  onHold?: (held: boolean) => void;
}

/** Shares below it have no caption, in per cent. */
const captionFrom = 4;
/** How wide a handle is, in pixels. */
const eye = 18;

/**
 * One bar with an eye of the heddle between each pair of versions. Asked on top, in effect and
 * measured below, on one scale, so that a gap is seen.
 */
export function ShareSlider({
  versions,
  asked,
  effect,
  measured,
  allRoutes,
  onAsk,
  onReset,
  onHold,
}: ShareSliderProps) {
  const t = useCanaryTexts();
  const track = useRef<HTMLDivElement>(null);
  const captions = useRef<HTMLDivElement>(null);
  // Where a handle was taken hold of, from its middle: it does not jump under the pointer.
  const grip = useRef(0);
  const width = useWidth(track);
  const at = ends(asked);
  const places = at.slice(0, -1);
  const steps = handleSteps(places, width > 0 ? (100 * eye) / width : captionFrom);

  // No list of what it hangs on: each drawing may have made a text longer.
  useLayoutEffect(() => {
    if (width > 0 && captions.current) {
      place([...captions.current.children] as HTMLElement[], width);
    }
  });

  const ask = (i: number, to: number) => {
    const next = moveBoundary(asked, i, to);
    if (!sameShares(next, asked)) {
      onAsk?.(next);
    }
  };
  const key = (i: number) => (e: KeyboardEvent) => {
    if (e.key === 'Escape' && onReset) {
      e.stopPropagation();
      onReset();
      return;
    }
    const by = keyMove(e.key);
    if (by !== undefined) {
      e.preventDefault();
      ask(i, (at[i] ?? 0) + by);
    }
  };
  const take = (e: PointerEvent<HTMLDivElement>) => {
    if (e.button !== 0) {
      return;
    }
    const box = e.currentTarget.getBoundingClientRect();
    grip.current = e.clientX - (box.left + box.width / 2);
    e.currentTarget.setPointerCapture(e.pointerId);
    e.currentTarget.focus();
    onHold?.(true);
  };
  const drag = (i: number) => (e: PointerEvent<HTMLDivElement>) => {
    if (track.current && e.currentTarget.hasPointerCapture(e.pointerId)) {
      const box = track.current.getBoundingClientRect();
      ask(i, ((e.clientX - grip.current - box.left) / box.width) * 100);
    }
  };

  return (
    <div className="ss">
      <div className="ss-lab" />
      <div className="ss-cap num" aria-hidden="true" ref={captions}>
        {versions.map(
          (name, i) =>
            (asked[i] ?? 0) >= captionFrom && (
              <span key={name} data-middle={(at[i] ?? 0) - (asked[i] ?? 0) / 2} data-share={asked[i]}>
                {name} <b>{asked[i]}</b>
              </span>
            ),
        )}
      </div>
      <div className="ss-lab">{t('asked')}</div>
      <div className="ss-track" ref={track}>
        {versions.map((name, i) => (
          <div key={name} className={`seg ${weave(i)}`} style={part(at, asked, i)} />
        ))}
        {onAsk &&
          places.map((to, i) => (
            <div
              key={versions[i]}
              className="ss-h"
              role="slider"
              tabIndex={0}
              onKeyDown={key(i)}
              onPointerDown={take}
              onPointerMove={drag(i)}
              onLostPointerCapture={() => onHold?.(false)}
              style={{ insetInlineStart: `${to}%`, '--ss-step': steps[i] } as CSSProperties}
              aria-label={t('boundary', { left: versions[i] ?? '', right: versions[i + 1] ?? '' })}
              aria-valuemin={at[i - 1] ?? 0}
              aria-valuemax={at[i + 1] ?? 100}
              aria-valuenow={to}
              aria-valuetext={`${versions[i]} ${asked[i]} %, ${versions[i + 1]} ${asked[i + 1]} %`}
            />
          ))}
        {ends(effect)
          .slice(0, -1)
          .map(
            (was, i) =>
              was !== at[i] && (
                <i key={versions[i]} className="ss-now" style={{ insetInlineStart: `${was}%` }} aria-hidden="true" />
              ),
          )}
      </div>
      <div className="ss-lab">{t('effect')}</div>
      <Thin shares={effect} />
      <div className="ss-lab">
        {t('measured')}
        {allRoutes && <small>{t('allRoutes.row')}</small>}
      </div>
      {measured ? <Thin shares={measured} /> : <div className="ss-thin is-empty" aria-hidden="true" />}
      <div className="ss-scale num" aria-hidden="true">
        {[0, 25, 50, 75, 100].map((x) => (
          <span key={x} style={{ insetInlineStart: `${x}%` }}>
            {x}
          </span>
        ))}
      </div>
    </div>
  );
}

/** A part of a bar, on the scale from 0 to 100. */
const part = (at: Shares, shares: Shares, i: number): CSSProperties => ({
  insetInlineStart: `${(at[i] ?? 0) - (shares[i] ?? 0)}%`,
  inlineSize: `${shares[i]}%`,
});

function Thin({ shares }: { shares: Shares }) {
  const at = ends(shares);
  return (
    <div className="ss-thin" aria-hidden="true">
      {shares.map((share, i) => share > 0 && <i key={i} className={`seg ${weave(i)}`} style={part(at, shares, i)} />)}
    </div>
  );
}

/** Puts the captions where there is room for them. */
function place(texts: readonly HTMLElement[], room: number): void {
  const at = placeCaptions(
    texts.map((text) => ({
      middle: (Number(text.dataset.middle) / 100) * room,
      width: text.offsetWidth,
      share: Number(text.dataset.share),
    })),
    room,
  );
  texts.forEach((text, i) => {
    text.style.insetInlineStart = `${at[i] ?? 0}px`;
    text.style.visibility = at[i] === undefined ? 'hidden' : 'visible';
  });
}

/** How wide an element is, in pixels; 0 as long as that is not known. */
function useWidth(of: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = of.current;
    if (!element) {
      return;
    }
    const read = () => setWidth(element.clientWidth);
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, [of]);
  return width;
}
