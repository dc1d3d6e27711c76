import { byteRate, duration, rate, share } from '../lib/format';
import { Figure } from './figure';
import { useUiTexts } from './texts';

/** What the figures of a service, a version or a namespace are. */
export interface Measured {
  readonly rate: number;
  readonly errorShare: number;
  readonly p95?: number | undefined;
  readonly unit?: 'rps' | 'B/s' | undefined;
}

/** From which error share on figures take the ink of their state. */
export const errorTone = (errorShare: number): 'failing' | 'degraded' | undefined =>
  errorShare >= 0.1 ? 'failing' : errorShare >= 0.01 ? 'degraded' : undefined;

const tone = (t: 'failing' | 'degraded' | undefined) => (t ? `k-${t}` : undefined);

/** A rate in requests, or in bytes where nothing but TCP flows. */
export function Rate({ of }: { of: Measured }) {
  const t = useUiTexts();
  return <Figure of={of.unit === 'B/s' ? byteRate(of.rate) : rate(of.rate, t('unit.rps'))} />;
}

/** An error share; from one per cent on in the ink of the state that it makes. */
export function ErrorShare({ of }: { of: Measured }) {
  return (
    <span className={tone(errorTone(of.errorShare))}>
      <Figure of={share(of.errorShare)} />
    </span>
  );
}

/** Rate, error share and p95 in one line. */
export function Figures({ of, slow = false }: { of: Measured; slow?: boolean }) {
  const t = useUiTexts();
  return (
    <span className="figs num">
      <span>
        <b>
          <Rate of={of} />
        </b>
      </span>
      {of.unit !== 'B/s' && (
        <>
          <span className={tone(errorTone(of.errorShare))}>
            {t.rich('figure.errors', { share: <b className="inked">{share(of.errorShare).value}</b> })}
          </span>
          {of.p95 !== undefined && (
            <span className={slow ? 'k-degraded' : undefined}>
              {t.rich(
                'figure.p95',
                { p95: <b className="inked">{duration(of.p95).value}</b> },
                { unit: duration(of.p95).unit },
              )}
            </span>
          )}
        </>
      )}
    </span>
  );
}
