import { type KeyboardEvent, type PointerEvent, useRef } from 'react';
import { ends, keyMove, moveBoundary, type Shares } from './split-math';
import { useCanaryTexts } from './texts';

interface ShareSliderProps {
  versions: readonly string[];
  asked: Shares;
  effect: Shares;
  /** In percent; undefined where nothing was counted. */
  measured: Shares | undefined;
  /** Without it the shares can only be looked at. */
  onAsk?: (shares: number[]) => void;
  /** Back to what is in effect. */
  onReset?: () => void;
}

export const weave = (i: number): string => `v${Math.min(i, 3)}`;

/**
 * One bar with an eye of the heddle between each pair of versions. Asked on top, in effect and
 * measured below, on one scale, so that a gap is seen.
 */
export function ShareSlider({ versions, asked, effect, measured, onAsk, onReset }: ShareSliderProps) {
  const t = useCanaryTexts();
  const track = useRef<HTMLDivElement>(null);
  const at = ends(asked);
  const now = ends(effect);

  const key = (i: number) => (e: KeyboardEvent) => {
    if (e.key === 'Escape') {
      onReset?.();
      return;
    }
    const by = keyMove(e.key);
    if (by !== undefined) {
      e.preventDefault();
      onAsk?.(moveBoundary(asked, i, (at[i] ?? 0) + by));
    }
  };
  const drag = (i: number) => (e: PointerEvent<HTMLDivElement>) => {
    if (!track.current || !e.currentTarget.hasPointerCapture(e.pointerId)) {
      return;
    }
    const box = track.current.getBoundingClientRect();
    onAsk?.(moveBoundary(asked, i, ((e.clientX - box.left) / box.width) * 100));
  };

  return (
    <div className="ss">
      <div className="ss-lab" />
      <div className="ss-cap num" aria-hidden="true">
        {versions.map(
          (name, i) =>
            (asked[i] ?? 0) >= 4 && (
              <span key={name} style={{ insetInlineStart: `${(at[i] ?? 0) - (asked[i] ?? 0) / 2}%` }}>
                {name} <b>{asked[i]}</b>
              </span>
            ),
        )}
      </div>
      <div className="ss-lab">{t('asked')}</div>
      <div className="ss-track" ref={track}>
        {versions.map((name, i) => (
          <div
            key={name}
            className={`seg ${weave(i)}`}
            style={{ insetInlineStart: `${(at[i] ?? 0) - (asked[i] ?? 0)}%`, inlineSize: `${asked[i]}%` }}
          />
        ))}
        {onAsk &&
          at.slice(0, -1).map((place, i) => (
            <div
              key={versions[i]}
              className={`ss-h ${i > 0 && place - (at[i - 1] ?? 0) < 4 ? 'is-low' : ''}`}
              role="slider"
              tabIndex={0}
              onKeyDown={key(i)}
              onPointerDown={(e) => {
                e.currentTarget.setPointerCapture(e.pointerId);
                e.currentTarget.focus();
              }}
              onPointerMove={drag(i)}
              style={{ insetInlineStart: `${place}%` }}
              aria-label={t('boundary', { left: versions[i] ?? '', right: versions[i + 1] ?? '' })}
              aria-valuemin={at[i - 1] ?? 0}
              aria-valuemax={at[i + 1] ?? 100}
              aria-valuenow={place}
              aria-valuetext={`${versions[i]} ${asked[i]} %, ${versions[i + 1]} ${asked[i + 1]} %`}
            />
          ))}
        {now
          .slice(0, -1)
          .map(
            (place, i) =>
              place !== at[i] && (
                <i key={versions[i]} className="ss-now" style={{ insetInlineStart: `${place}%` }} aria-hidden="true" />
              ),
          )}
      </div>
      <div className="ss-lab">{t('effect')}</div>
      <Thin shares={effect} />
      <div className="ss-lab">{t('measured')}</div>
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

function Thin({ shares }: { shares: Shares }) {
  return (
    <div className="ss-thin" aria-hidden="true">
      {shares.map((share, i) => share > 0 && <i key={i} className={`seg ${weave(i)}`} style={{ flexGrow: share }} />)}
    </div>
  );
}
