import { Button, Tab, Tabs, TabTitleText } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus, Waypoints } from 'lucide-react';
import { type ComponentType, type ReactNode, useMemo } from 'react';
import { workloadsOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { GraphLiveNode } from '../../api/generated/types.gen';
import { graphParts } from '../../api/live/graph-parts';
import { useSelected, useTopic, useTopicStatus } from '../../api/live/use-live';
import { figuresFrom, useOld } from '../../api/live/use-old';
import { useCan } from '../../api/session-store';
import { AsOf } from '../../ui/as-of';
import { HealthGlyph, Lock } from '../../ui/glyph';
import { PageHead } from '../../ui/page';
import { Empty, Failed, Loading } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import type { Detail } from './detail';
import { MetricsTab } from './metrics-tab';
import { callsOf, mutualTLS } from './model/calls';
import { nodeOf, type Subject } from './model/subject';
import { OverviewTab } from './overview-tab';
import { PodsTab } from './pods-tab';
import { RulesTab } from './rules-tab';
import { useServicesTexts } from './texts';
import { TracesTab } from './traces-tab';
import { TrafficTab } from './traffic-tab';
import { Trouble } from './trouble';
import { useAddress } from './use-address';
import { YamlTab } from './yaml-tab';
import './services.css';

const tabs = ['overview', 'traffic', 'metrics', 'rules', 'pods', 'traces', 'yaml'] as const;
type TabName = (typeof tabs)[number];

const parts: Record<TabName, ComponentType<Detail>> = {
  overview: OverviewTab,
  traffic: TrafficTab,
  metrics: MetricsTab,
  rules: RulesTab,
  pods: PodsTab,
  traces: TracesTab,
  yaml: YamlTab,
};

interface DetailPageProps {
  subject: Subject;
  /** Ports and the like, known without traffic. */
  facts?: ReactNode;
  /** Pods that belong to it. */
  hasPod: (pod: { namespace: string; workload: string }) => boolean;
  /** What stands first on the overview of what has several versions: the traffic split. */
  first?: ReactNode;
}

/** The page of one service or workload. */
export function DetailPage(props: DetailPageProps) {
  const { subject } = props;
  const t = useServicesTexts();
  const { window } = useScope();
  const topic = useTopic('graph', { mode: subject.kind, window });
  const status = useTopicStatus(topic);
  const graph = useSelected(topic, graphParts);
  const node = nodeOf(graph, subject);
  if (status.state === 'error') {
    return (
      <Frame subject={subject}>
        <Failed title={t('list.failed')} error={status} />
      </Frame>
    );
  }
  if (status.state === 'loading') {
    return (
      <Frame subject={subject}>
        <Loading lines={8} />
      </Frame>
    );
  }
  if (!node) {
    const { kind, name } = subject;
    return (
      <Frame subject={subject}>
        <Empty
          title={t(kind === 'service' ? 'gone.service' : 'gone.workload', { name })}
          action={
            <Link to={(kind === 'service' ? '/services' : '/workloads') as string}>
              {t(kind === 'service' ? 'gone.services' : 'gone.workloads')}
            </Link>
          }
        >
          {t('gone.text')}
        </Empty>
      </Frame>
    );
  }
  return <Loaded {...props} node={node} graph={graph} />;
}

function Crumb({ subject }: { subject: Subject }) {
  const t = useServicesTexts();
  const list = (subject.kind === 'service' ? '/services' : '/workloads') as string;
  return (
    <>
      <Link to={list}>{t(subject.kind === 'service' ? 'services' : 'workloads')}</Link>
      <span aria-hidden="true">/</span>
      <Link to={list} search={{ q: `${subject.namespace}/` } as never}>
        {subject.namespace}
      </Link>
    </>
  );
}

function Frame({ subject, children }: { subject: Subject; children: ReactNode }) {
  return (
    <div className="page">
      <PageHead crumb={<Crumb subject={subject} />} title={subject.name} />
      <div className="body">{children}</div>
    </div>
  );
}

function Loaded(props: DetailPageProps & { node: GraphLiveNode; graph: Detail['graph'] }) {
  const { subject, facts, hasPod, first, node, graph } = props;
  const t = useServicesTexts();
  const mayEdit = useCan('editTraffic');
  const old = useOld(figuresFrom(graph.meta));
  const [search, change] = useAddress();
  const current = tabs.find((tab) => tab === search.tab) ?? 'overview';
  const calls = useMemo(() => callsOf(graph, node.id), [graph, node.id]);
  const all = useQuery({
    ...workloadsOptions({ query: { namespace: subject.namespace } }),
    refetchInterval: 10_000,
  });
  const pods = useMemo(() => all.data?.filter(hasPod), [all.data, hasPod]);
  const Part = parts[current];
  return (
    <div className={old === undefined ? 'page' : 'page is-old'}>
      <PageHead
        crumb={<Crumb subject={subject} />}
        title={
          <>
            <HealthGlyph health={node.health.state} size={18} />
            {subject.name}
          </>
        }
        facts={
          <>
            {facts}
            <Facts node={node} tls={mutualTLS(calls)} />
            {old !== undefined && <AsOf since={old} />}
          </>
        }
        actions={
          <>
            <Button
              variant="secondary"
              icon={<Waypoints size={14} aria-hidden />}
              component={(p) => <Link {...p} to={'/topology' as string} search={{ sel: node.id } as never} />}
            >
              {t('head.topology')}
            </Button>
            {mayEdit && subject.kind === 'service' && (
              <Button
                variant="secondary"
                icon={<Plus size={14} aria-hidden />}
                component={(p) => (
                  <Link
                    {...p}
                    to={'/change' as string}
                    search={{ service: `${subject.namespace}/${subject.name}` } as never}
                  />
                )}
              >
                {t('head.add')}
              </Button>
            )}
          </>
        }
      >
        <Tabs
          className="sv-tabs"
          activeKey={current}
          onSelect={(_, key) => change({ tab: key === 'overview' ? '' : String(key) })}
          aria-label={t('tabs', { name: subject.name })}
        >
          {tabs.map((tab) => (
            <Tab
              key={tab}
              eventKey={tab}
              tabContentId="sv-body"
              title={<TabTitleText>{t(`tab.${tab}`)}</TabTitleText>}
            />
          ))}
        </Tabs>
      </PageHead>
      <div className="body" id="sv-body" role="tabpanel" aria-label={t(`tab.${current}`)}>
        <div className="sv-stack">
          {current === 'overview' && <Trouble node={node} />}
          {current === 'overview' && (node.versions?.length ?? 0) > 1 && first}
          <Part subject={subject} node={node} graph={graph} calls={calls} pods={pods} />
        </div>
      </div>
    </div>
  );
}

function Facts({ node, tls }: { node: GraphLiveNode; tls: number | undefined }) {
  const t = useServicesTexts();
  const { ready, total } = node.pods;
  if (node.external) {
    return <span>{t('head.external')}</span>;
  }
  return (
    <>
      {tls !== undefined && (
        <span className="sv-fact">
          <Lock open={tls < 1} />
          {t('calls.mtls')}
          {tls > 0 && tls < 1 && ` ${Math.round(tls * 100)} %`}
        </span>
      )}
      {total > 0 && (
        <span>{ready === total ? t('head.pods', { count: total }) : t('head.ready', { ready, total })}</span>
      )}
      {!node.meshed && !node.gateway && <span>{t('head.noSidecar')}</span>}
    </>
  );
}
