import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { serviceSplitOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { GraphLiveNode, LiveObject } from '../../api/generated/types.gen';
import { objectId } from '../../api/live/object-id';
import { useElement, useTopic } from '../../api/live/use-live';
import { serviceAddress } from '../../lib/addresses';
import { instant, number, plain, points } from '../../lib/format';
import { HealthGlyph } from '../../ui/glyph';
import { Sheet } from '../../ui/page';
import { weave } from '../../ui/weave';
import { type Canary, canaryOf } from './model/canaries';
import { useOverviewTexts } from './texts';

/** Services whose traffic a rule splits between versions, and how the tried one does. */
export function CanariesSheet({ candidates }: { candidates: readonly GraphLiveNode[] }) {
  const t = useOverviewTexts();
  const splits = useQueries({
    queries: candidates.map((node) => ({
      ...serviceSplitOptions({ path: { namespace: node.namespace ?? '', name: node.name } }),
      refetchInterval: 10_000,
    })),
  });
  const canaries = candidates.flatMap((node, i) => {
    const split = splits[i]?.data;
    return (split && canaryOf(node, split)) ?? [];
  });
  return (
    <Sheet title={t('canaries')}>
      {canaries.length === 0 ? (
        <p className="ov-none">{t('canaries.none')}</p>
      ) : (
        <ul className="ov-list">
          {canaries.map((canary) => (
            <CanaryRow key={canary.node.id} canary={canary} />
          ))}
        </ul>
      )}
    </Sheet>
  );
}

function CanaryRow({ canary }: { canary: Canary }) {
  const t = useOverviewTexts();
  const { node, shares, tried, rule } = canary;
  const id = rule ? objectId(rule) : '';
  const changed = useElement<LiveObject>(useTopic('objects'), id)?.changed;
  return (
    <li className="ov-can">
      <div className="ov-can-h">
        <HealthGlyph health={node.health.state} size={13} />
        <b>{node.name}</b>
        <Link to={serviceAddress(node)}>{t('canary.at', { version: tried.version, pct: tried.pct })}</Link>
        {changed && <span className="dim num">{t('canary.since', { time: instant(changed.at, Date.now()) })}</span>}
      </div>
      <div className="bar" aria-hidden="true">
        {shares.map((s) => (
          <i key={s.version} className={`seg ${weave(s.place)}`} style={{ flex: s.pct }} />
        ))}
      </div>
      <div className="can-l num">
        {shares.map((s) => (
          <span key={s.version}>
            <i className={`sw ${weave(s.place)}`} />
            {s.version} {s.pct}
          </span>
        ))}
        <Against canary={canary} />
      </div>
    </li>
  );
}

/** How the tried version does against the stable one, in one figure. */
function Against({ canary: { tried, stable, errorsMore, slower } }: { canary: Canary }) {
  const t = useOverviewTexts();
  const names = { version: tried.version, stable: stable.version };
  if (errorsMore === undefined) {
    return <span className="dim">{t('canary.unmeasured', names)}</span>;
  }
  if (errorsMore >= 0.01) {
    return <span className="k-degraded">{t('canary.errors', { ...names, points: plain(points(errorsMore)) })}</span>;
  }
  if (slower !== undefined && slower >= 3) {
    return <span className="k-degraded">{t('canary.slower', { ...names, factor: number(slower) })}</span>;
  }
  return <span className="dim">{t('canary.level', names)}</span>;
}
