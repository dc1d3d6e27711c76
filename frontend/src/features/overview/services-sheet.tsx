import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { GraphLiveNode } from '../../api/generated/types.gen';
import type { GraphParts } from '../../api/live/graph-parts';
import { inScope } from '../../lib/scope';
import { Figures } from '../../ui/figures';
import { type Health, HealthGlyph } from '../../ui/glyph';
import { Sheet } from '../../ui/page';
import { useScope } from '../../ui/use-scope';
import { countStates, namespaceRows } from './model/namespaces';
import { useOverviewTexts } from './texts';
import { nodeAddress } from './wrong-now';

const states: readonly Health[] = ['failing', 'degraded', 'healthy', 'idle', 'unknown'];

/** Services by namespace, those with trouble first. */
export function ServicesSheet({ graph, services }: { graph: GraphParts; services: readonly GraphLiveNode[] }) {
  const t = useOverviewTexts();
  const scope = useScope();
  const rows = useMemo(() => namespaceRows(graph, (ns) => inScope(scope, ns)), [graph, scope]);
  const counts = countStates(services);
  const said = states.filter((s) => counts[s] > 0).map((s) => t(`services.${s}`, { count: counts[s] }));
  return (
    <Sheet
      title={t('services')}
      facts={said.join(t.language === 'zh' ? '，' : ', ')}
      end={<Link to={'/topology' as string}>{t('services.topology')}</Link>}
    >
      <ul className="ov-list">
        {rows.map((row) => (
          <li className="ov-ns" key={row.namespace}>
            <b className="cut" data-ellipsis title={row.namespace}>
              {row.namespace || '–'}
            </b>
            <div className="pills">
              {row.shown.map((node) => (
                <Pill key={node.id} node={node} />
              ))}
              {row.healthy > 0 && (
                <span className="ov-rest dim num">{t('services.healthy', { count: row.healthy })}</span>
              )}
            </div>
            <div title={t('services.edge', { namespace: row.namespace })}>
              {row.rate > 0 && (
                <Figures of={{ rate: row.rate, errorShare: row.errorShare, p95: row.p95, unit: 'rps' }} />
              )}
            </div>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

function Pill({ node }: { node: GraphLiveNode }) {
  const to = nodeAddress(node);
  const inside = (
    <>
      <HealthGlyph health={node.health.state} size={12} />
      {node.name}
    </>
  );
  const look = `pill k-${node.health.state}`;
  return to ? (
    <Link to={to} className={look}>
      {inside}
    </Link>
  ) : (
    <span className={look}>{inside}</span>
  );
}
