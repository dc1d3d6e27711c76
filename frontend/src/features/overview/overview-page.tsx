import { useMemo, useState } from 'react';
import type { HistoryChange, LiveProxy, MeshFinding } from '../../api/generated/types.gen';
import { type GraphParts, graphParts } from '../../api/live/graph-parts';
import { useSelected, useTopic, useTopicStatus } from '../../api/live/use-live';
import { figuresFrom, useOld } from '../../api/live/use-old';
import { inScope, type Scope } from '../../lib/scope';
import { AsOf } from '../../ui/as-of';
import { PageHead, Sheet } from '../../ui/page';
import { Empty, Failed, Loading } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import { CanariesSheet } from './canaries-sheet';
import { ChangesSheet } from './changes-sheet';
import { MeshSheet } from './mesh-sheet';
import { maySplit } from './model/canaries';
import { countStates } from './model/namespaces';
import { troubles } from './model/troubles';
import { ProxiesSheet, proxyState } from './proxies-sheet';
import { ServicesSheet } from './services-sheet';
import { useOverviewTexts } from './texts';
import { useChanges } from './use-changes';
import { WrongNow } from './wrong-now';
import './overview.css';

const proxyList = (proxies: ReadonlyMap<string, LiveProxy>): readonly LiveProxy[] => [...proxies.values()];
const findingList = (findings: ReadonlyMap<string, MeshFinding>): readonly MeshFinding[] => [...findings.values()];

/** The start page: how the mesh is as a sentence, what is wrong first, and what was changed. */
export function OverviewPage() {
  const t = useOverviewTexts();
  const scope = useScope();
  const topic = useTopic('graph', { mode: 'service', window: scope.window });
  const status = useTopicStatus(topic);
  const graph = useSelected(topic, graphParts);
  if (status.state === 'ready') {
    return <Loaded graph={graph} scope={scope} />;
  }
  return (
    <div className="page">
      <PageHead title={t('title')} />
      <div className="body">
        {status.state === 'error' ? <Failed title={t('failed')} error={status} /> : <Loading lines={8} />}
      </div>
    </div>
  );
}

function Loaded({ graph, scope }: { graph: GraphParts; scope: Scope }) {
  const t = useOverviewTexts();
  const allProxies = useSelected(useTopic('proxies'), proxyList);
  const findings = useSelected(useTopic('findings'), findingList);
  const proxies = useMemo(() => allProxies.filter((p) => inScope(scope, p.namespace)), [allProxies, scope]);
  const changes = useChanges();
  const old = useOld(figuresFrom(graph.meta));
  const [undone, setUndone] = useState<HistoryChange>();
  const onUndone = (change: HistoryChange) => {
    setUndone(change);
    changes.again();
  };

  const services = useMemo(
    () => graph.nodes.filter((n) => n.kind === 'service' && inScope(scope, n.namespace)),
    [graph, scope],
  );
  const wrong = useMemo(() => troubles(graph.nodes, (n) => inScope(scope, n.namespace)), [graph, scope]);
  const rejected = proxies.filter((p) => proxyState(p) === 'rejected');
  const errors = findings.filter((f) => f.severity === 'error' && inScope(scope, f.ref.namespace)).length;

  const counts = countStates(services);
  const namespaces = new Set(services.map((s) => s.namespace)).size;
  const rest = counts.idle + counts.unknown;
  const title = (): string => {
    if (wrong.length > 0) {
      return t('title.attention', { count: wrong.length });
    }
    if (rejected.length > 0) {
      return t('title.rejected', { count: rejected.length });
    }
    if (services.length === 0) {
      return t('title.none');
    }
    if (counts.healthy === 0) {
      return t(old === undefined ? 'title.quiet' : 'title.unknown');
    }
    return rest > 0 ? t('title.rest', { count: counts.healthy, rest }) : t('title.healthy', { count: counts.healthy });
  };
  const facts = [
    t('facts.services', { count: services.length }),
    t('facts.namespaces', { count: namespaces }),
    t('facts.proxies', { count: proxies.length }),
  ];
  const troubled = wrong.length > 0 || rejected.length > 0 || errors > 0;
  return (
    <div className="page">
      <PageHead
        title={title()}
        facts={
          <>
            <span>{facts.join(' · ')}</span>
            {old !== undefined && <AsOf since={old} />}
          </>
        }
      />
      <div className="body">
        <div className="ov">
          <div className={old === undefined ? undefined : 'is-old'}>
            {troubled && (
              <WrongNow troubles={wrong} proxies={rejected} errors={errors} changes={changes.all} onUndone={onUndone} />
            )}
            {services.length > 0 ? (
              <ServicesSheet graph={graph} services={services} />
            ) : (
              <Sheet title={t('services')}>
                <Empty title={t('title.none')}>{t('none.text')}</Empty>
              </Sheet>
            )}
            {services.length > 0 && counts.healthy === 0 && old === undefined && !troubled && (
              <p className="dim">{t('quiet.proxies', { count: proxies.length })}</p>
            )}
            <ChangesSheet of={changes} undone={undone} onUndone={onUndone} />
          </div>
          <div>
            <MeshSheet changes={changes.changes} />
            <CanariesSheet candidates={services.filter(maySplit)} />
            <ProxiesSheet proxies={proxies} />
          </div>
        </div>
      </div>
    </div>
  );
}
