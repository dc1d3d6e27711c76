import { NumberInput } from '@patternfly/react-core';
import { Fragment, type ReactNode, useId, useRef } from 'react';
import type { CanaryMeasured, CanaryTold } from '../../api/generated/types.gen';
import { duration, number, plain, points, rate, share } from '../../lib/format';
import { Figure } from '../../ui/figure';
import { HealthGlyph } from '../../ui/glyph';
import { weave } from '../../ui/weave';
import { type Shares, sameShares, setShare } from './split-math';
import { useCanaryTexts } from './texts';
import { compare, othersOf, stateOf } from './versus';

interface ShareTableProps {
  versions: readonly string[];
  asked: Shares;
  effect: Shares;
  told: CanaryTold | undefined;
  /** The place of the version that pays first, and that the others are held against. */
  stable: number;
  onStable: (place: number) => void;
  onAsk?: (shares: number[]) => void;
}

const dash = <span className="dim">–</span>;

/** The same shares as numbers that can be typed, beside what each version does with its part. */
export function ShareTable({ versions, asked, effect, told, stable, onStable, onAsk }: ShareTableProps) {
  const t = useCanaryTexts();
  const group = useId();
  // While digits are typed, all of them start from the shares before the first.
  const typed = useRef<{ from: Shares; made: Shares }>(undefined);
  const measured: Readonly<Record<string, CanaryMeasured>> = told?.measured ?? {};
  const stableName = versions[stable] ?? '';
  const reference = measured[stableName];
  const others = othersOf(versions, measured);
  const all = Object.values(measured);
  const n = told?.n ?? 0;
  const errors = n > 0 ? all.reduce((sum, m) => sum + m.errorShare * m.n, 0) / n : undefined;

  const type = (i: number, text: string) => {
    const from = typed.current && sameShares(typed.current.made, asked) ? typed.current.from : asked;
    const made = setShare(from, i, Number(text), stable);
    typed.current = { from, made };
    onAsk?.(made);
  };
  const against = (i: number, m: CanaryMeasured | undefined): ReactNode => {
    if (i === stable) {
      return <span className="dim">{t('reference')}</span>;
    }
    const than = compare(m, reference);
    if (!than) {
      return dash;
    }
    const state = stateOf(m);
    return (
      <span className={state ? `k-${state}` : 'dim'}>
        {plain(points(than.errors))}
        {than.slower !== undefined && ` · ${t('slower', { times: than.slower })}`}
      </span>
    );
  };

  return (
    <div className="ss-scroll">
      <table className="vt ss-t num">
        <thead>
          <tr>
            <th scope="col">
              <span className="vh">{t('version')}</span>
            </th>
            <th scope="col" className="ss-r">
              {t('stable')}
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
            const seen = m && m.n > 0 ? m : undefined;
            const state = stateOf(m);
            const than = i === stable ? undefined : compare(m, reference);
            // A slow one that fails nothing is calm: others call more than it does.
            const slow = state && than?.slow ? `k-${state}` : '';
            const value = asked[i] ?? 0;
            const p95 = m?.p95 ? <Figure of={duration(m.p95)} /> : dash;
            return (
              <Fragment key={name}>
                <tr className={seen ? 'ss-1' : undefined}>
                  <th scope="row">
                    <i className={`sw ${weave(i)}`} aria-hidden="true" />
                    {name} {state && <HealthGlyph health={state} size={12} />}
                  </th>
                  <td className="ss-r">
                    <label>
                      <input
                        type="radio"
                        name={group}
                        checked={i === stable}
                        onChange={() => onStable(i)}
                        aria-label={t('stable.of', { version: name })}
                      />
                    </label>
                  </td>
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
                        onChange={(e) => type(i, (e.target as HTMLInputElement).value)}
                        onBlur={() => {
                          typed.current = undefined;
                        }}
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
                  <td className={state ? `k-${state}` : ''}>{seen ? <Figure of={share(seen.errorShare)} /> : dash}</td>
                  <td className={`ss-w ${slow}`}>{p95}</td>
                  <td className="ss-w">{against(i, m)}</td>
                </tr>
                {seen && (
                  <tr className="ss-2">
                    <td colSpan={9}>
                      <span>
                        <Figure of={rate(seen.rps, t('col.rps'))} />
                      </span>
                      <span className={slow}>
                        {t('p95')} {p95}
                      </span>
                      {against(i, m)}
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
          {others && (
            <tr>
              <th scope="row">{t('others')}</th>
              <td className="ss-r" />
              <td className="ss-in" />
              <td className="ss-e" />
              <td>
                <Figure of={share(others.pct / 100)} />
              </td>
              <td className="ss-w">{number(others.rps)}</td>
              <td>
                <Figure of={share(others.errorShare)} />
              </td>
              <td className="ss-w" />
              <td className="ss-w" />
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t('total')}</th>
            <td className="ss-r" />
            <td className="ss-in">
              <b>{asked.reduce((sum, v) => sum + v, 0)}</b>
            </td>
            <td className="ss-e">100 %</td>
            <td>{n > 0 ? '100 %' : dash}</td>
            <td className="ss-w">{n > 0 ? number(all.reduce((sum, m) => sum + m.rps, 0)) : dash}</td>
            <td>{errors === undefined ? dash : <Figure of={share(errors)} />}</td>
            <td className="ss-w">{told?.p95 ? <Figure of={duration(told.p95)} /> : dash}</td>
            <td className="ss-w" />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
