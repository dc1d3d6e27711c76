import { duration, plain, rate, share } from '../../../lib/format';
import { type Health, HealthGlyph } from '../../../ui/glyph';
import { weave } from '../../../ui/weave';
import { useTopologyTexts } from '../texts';

interface VersionRow {
  key: string;
  name: string;
  state: Health;
  share: number;
  rate: number;
  errorShare: number;
  p95: number | undefined;
}

/** What each version has of the traffic, and how well it does. */
export function VersionTable({ title, rows }: { title: string; rows: readonly VersionRow[] }) {
  const t = useTopologyTexts();
  const usual = Math.min(...rows.flatMap((v) => v.p95 ?? []));
  return (
    <>
      <h3>{title}</h3>
      <table className="vt num">
        <thead>
          <tr>
            <th scope="col">
              <span className="vh">{t('versions')}</span>
            </th>
            <th scope="col">{t('col.share')}</th>
            <th scope="col">{t('col.rps')}</th>
            <th scope="col">{t('col.errors')}</th>
            <th scope="col">p95</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, name, state, ...v }, i) => {
            const bad = state === 'failing' || state === 'degraded';
            const slow = bad && v.p95 !== undefined && v.p95 >= 3 * usual;
            return (
              <tr key={key}>
                <th scope="row">
                  <i className={`sw ${weave(i)}`} aria-hidden="true" />
                  {name} {bad && <HealthGlyph health={state} size={11} />}
                </th>
                <td>{plain(share(v.share))}</td>
                <td>{rate(v.rate).value}</td>
                <td className={bad && v.errorShare >= 0.01 ? `k-${state}` : ''}>{plain(share(v.errorShare))}</td>
                <td className={slow ? `k-${state}` : ''}>{v.p95 === undefined ? '–' : plain(duration(v.p95))}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}
