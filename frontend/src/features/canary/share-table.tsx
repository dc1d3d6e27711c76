import { NumberInput } from '@patternfly/react-core';
import type { CanaryMeasured } from '../../api/generated/types.gen';
import { duration, number, plain, points, rate, share } from '../../lib/format';
import { Figure } from '../../ui/figure';
import { HealthGlyph } from '../../ui/glyph';
import { weave } from './share-slider';
import { type Shares, setShare } from './split-math';
import { useCanaryTexts } from './texts';

interface ShareTableProps {
  versions: readonly string[];
  asked: Shares;
  effect: Shares;
  measured: Readonly<Record<string, CanaryMeasured>>;
  stable: number;
  onAsk?: (shares: number[]) => void;
}

/** From these on a version is in another state than a healthy one. */
const degradedFrom = 0.01;
const failingFrom = 0.1;

function stateOf(m: CanaryMeasured | undefined) {
  if (!m || m.n < 20) {
    return undefined;
  }
  if (m.errorShare >= failingFrom) {
    return 'failing';
  }
  return m.errorShare >= degradedFrom ? 'degraded' : undefined;
}

/** The same shares as numbers that can be typed, beside what each version does with its part. */
export function ShareTable({ versions, asked, effect, measured, stable, onAsk }: ShareTableProps) {
  const t = useCanaryTexts();
  const all = Object.values(measured);
  const n = all.reduce((sum, m) => sum + m.n, 0);
  const rps = all.reduce((sum, m) => sum + m.rps, 0);
  const errors = n > 0 ? all.reduce((sum, m) => sum + m.errorShare * m.n, 0) / n : undefined;
  const stableName = versions[stable] ?? '';
  const reference = measured[stableName];
  const dash = <span className="dim">–</span>;
  return (
    <div className="ss-scroll">
      <table className="vt ss-t num">
        <thead>
          <tr>
            <th scope="col">
              <span className="vh">{t('version')}</span>
            </th>
            <th scope="col" className="ss-in">
              {t('col.asked')}
            </th>
            <th scope="col" className="ss-e">
              {t('col.effect')}
            </th>
            <th scope="col">{t('col.measured')}</th>
            <th scope="col" className="ss-w">
              {t('col.rps')}
            </th>
            <th scope="col">{t('col.errors')}</th>
            <th scope="col" className="ss-w">
              p95
            </th>
            <th scope="col" className="ss-w">
              {t('col.against', { version: stableName })}
            </th>
          </tr>
        </thead>
        <tbody>
          {versions.map((name, i) => {
            const m = measured[name];
            const state = stateOf(m);
            const tone = state ? `k-${state}` : '';
            const value = asked[i] ?? 0;
            return (
              <tr key={name}>
                <th scope="row">
                  <i className={`sw ${weave(i)}`} aria-hidden="true" />
                  {name} {state && <HealthGlyph health={state} size={12} />}
                  {i === stable && <span className="tag">{t('stable')}</span>}
                </th>
                <td className="ss-in">
                  {onAsk ? (
                    <NumberInput
                      value={value}
                      min={0}
                      max={100}
                      widthChars={3}
                      inputAriaLabel={t('share.of', { version: name })}
                      minusBtnAriaLabel={`${name} −1 %`}
                      plusBtnAriaLabel={`${name} +1 %`}
                      onChange={(e) => onAsk(setShare(asked, i, Number((e.target as HTMLInputElement).value), stable))}
                      onMinus={() => onAsk(setShare(asked, i, value - 1, stable))}
                      onPlus={() => onAsk(setShare(asked, i, value + 1, stable))}
                    />
                  ) : (
                    `${value} %`
                  )}
                </td>
                <td className="ss-e">{effect[i]} %</td>
                <td>{m && n > 0 ? <Figure of={share(m.pct / 100)} /> : dash}</td>
                <td className="ss-w">{m ? number(m.rps) : dash}</td>
                <td className={tone}>{m && m.n > 0 ? <Figure of={share(m.errorShare)} /> : dash}</td>
                <td className="ss-w">{m?.p95 ? <Figure of={duration(m.p95)} /> : dash}</td>
                <td className="ss-w">
                  {i === stable ? (
                    <span className="dim">{t('reference')}</span>
                  ) : m && reference && m.n > 0 && reference.n > 0 ? (
                    <span className={tone || 'dim'}>
                      {plain(points(m.errorShare - reference.errorShare))}
                      {m.p95 && reference.p95 ? ` · ${number(m.p95 / reference.p95)}× p95` : ''}
                    </span>
                  ) : (
                    dash
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t('total')}</th>
            <td className="ss-in">
              <b>{asked.reduce((sum, v) => sum + v, 0)}</b>
            </td>
            <td className="ss-e">100 %</td>
            <td>{n > 0 ? '100 %' : dash}</td>
            <td className="ss-w">{n > 0 ? <Figure of={rate(rps, '')} /> : dash}</td>
            <td>{errors === undefined ? dash : <Figure of={share(errors)} />}</td>
            <td className="ss-w" />
            <td className="ss-w" />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
