import { Link } from '@tanstack/react-router';
import type { GraphVersion } from '../../api/generated/types.gen';
import { workloadAddress } from '../../lib/addresses';
import { duration, share } from '../../lib/format';
import { Figure } from '../../ui/figure';
import { ErrorShare, Rate } from '../../ui/figures';
import { HealthGlyph } from '../../ui/glyph';
import { useHealthWords } from '../../ui/health-words';
import { Sheet } from '../../ui/page';
import { weave } from '../../ui/weave';
import { CallsTable } from './calls-table';
import type { Detail } from './detail';
import { type Answer, answersOf } from './model/calls';
import { useServicesTexts } from './texts';

/** Calls by peer, by version and by answer, of the time window. */
export function TrafficTab({ node, calls }: Detail) {
  const t = useServicesTexts();
  const versions = node.versions ?? [];
  return (
    <>
      <Sheet title={t('calls')}>
        <CallsTable calls={calls} whole />
      </Sheet>
      {versions.length > 0 && (
        <Sheet title={t('versions')}>
          <Versions versions={versions} />
        </Sheet>
      )}
      <Sheet title={t('answers')}>
        <Answers answers={answersOf(calls)} name={node.name} />
      </Sheet>
    </>
  );
}

function Versions({ versions }: { versions: readonly GraphVersion[] }) {
  const t = useServicesTexts();
  return (
    <div className="sv-wrap">
      <table className="vt pad num">
        <thead>
          <tr>
            <th scope="col">{t('versions.version')}</th>
            <th scope="col">{t('versions.workload')}</th>
            <th scope="col">{t('versions.pods')}</th>
            <th scope="col">{t('versions.share')}</th>
            <th scope="col">{t('calls.rate')}</th>
            <th scope="col">{t('calls.errors')}</th>
            <th scope="col">{t('calls.p95')}</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((v, i) => (
            <tr key={`${v.version} ${v.workload}`}>
              <th scope="row">
                <i className={`sw ${weave(i)}`} />
                {v.version} {v.state && v.state !== 'healthy' && <HealthGlyph health={v.state} size={12} />}
              </th>
              <td>
                <Link to={workloadAddress({ namespace: v.namespace, name: v.workload })}>{v.workload}</Link>
              </td>
              <td>
                {v.ready}/{v.pods}
              </td>
              <td>
                <Figure of={share(v.share)} />
              </td>
              <td>
                <Rate of={v} />
              </td>
              <td>{v.rate > 0 && <ErrorShare of={v} />}</td>
              <td>{v.p95 !== undefined && <Figure of={duration(v.p95)} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How it answered: a bar, and a list with Envoy's flags in words. */
function Answers({ answers, name }: { answers: readonly Answer[]; name: string }) {
  const t = useServicesTexts();
  const words = useHealthWords();
  if (answers.length === 0) {
    return <p className="sv-none">{t('answers.nothing')}</p>;
  }
  return (
    <div className="sv-answers">
      <div className="codes" aria-hidden="true">
        {answers.map((a) => (
          <i key={`${a.code} ${a.flags}`} className={a.bad ? 'bad' : undefined} style={{ flex: a.share }} />
        ))}
      </div>
      <table className="vt num">
        <thead>
          <tr>
            <th scope="col">{t('answers.code')}</th>
            <th scope="col" className="is-text">
              {t('answers.means')}
            </th>
            <th scope="col">{t('answers.share')}</th>
          </tr>
        </thead>
        <tbody>
          {answers.map((a) => (
            <tr key={`${a.code} ${a.flags}`}>
              <th scope="row" className={a.bad ? 'k-failing' : undefined}>
                {a.code || t('answers.none')}
              </th>
              <td className="dim is-text">{words.flags(a.flags, name)}</td>
              <td>
                <Figure of={share(a.share)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
