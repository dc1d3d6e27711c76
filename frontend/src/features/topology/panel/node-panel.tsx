import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ListTree, Network, Plus, SlidersHorizontal, SquareArrowOutUpRight } from 'lucide-react';
import { useMemo } from 'react';
import { serviceOptions } from '../../../api/generated/@tanstack/react-query.gen';
import type { GraphLiveEdge, GraphLiveNode, LiveProxy, MeshFinding } from '../../../api/generated/types.gen';
import { useElements, useTopic } from '../../../api/live/use-live';
import { useCan } from '../../../api/session-store';
import { proxyAddress } from '../../../lib/addresses';
import { plain, rate, share } from '../../../lib/format';
import { FindingText } from '../../../ui/finding-text';
import { HealthGlyph, Lock, RuleGlyph, SeverityGlyph } from '../../../ui/glyph';
import { ObjectLink } from '../../../ui/object-link';
import { NoRights } from '../../../ui/states';
import { kindOf } from '../canvas/card';
import { useGraph, useGraphElements } from '../graph-store';
import { pageOf, tracesOf, wizardOf } from '../links';
import { threadFigures } from '../model/figures';
import { glyphsOf } from '../model/rule-glyphs';
import { isService } from '../model/split';
import { useTopologyTexts } from '../texts';
import type { SplitSlot } from '../topology-page';
import { Answers } from './answers';
import { PanelFrame } from './frame';
import { NodeSeries } from './series';
import { VersionTable } from './version-table';

/** The traffic split within the panel. */
export interface PanelSplit {
  Split: SplitSlot | undefined;
  open: boolean;
  /** Opens or closes it. */
  onOpen: () => void;
}

interface NodePanelProps {
  node: GraphLiveNode;
  tab: string | undefined;
  onTab: (tab: string) => void;
  onClose: () => void;
  onSelect: (id: string) => void;
  onAround: (id: string) => void;
  split: PanelSplit;
}

/** So many ports fit into the line below the name. */
const mostPorts = 3;

const icon = { size: 13, 'aria-hidden': true } as const;

/** All about one card. */
export function NodePanel({ node, tab, onTab, onClose, onSelect, onAround, split }: NodePanelProps) {
  const t = useTopologyTexts();
  const edges = useEdgesOf(node.id);
  const findings = useFindings(node);
  const proxies = useProxies(node);
  const mayEdit = useCan('editTraffic');
  const page = pageOf(node);
  const ports = usePorts(node);
  const service = isService(node);
  const { Split } = split;
  const { mutualTls, protocols } = threadFigures(edges.incoming);
  return (
    <PanelFrame
      title={node.name}
      place={
        <>
          {[
            node.namespace,
            kindOf(node) && t(`kind.${kindOf(node) ?? 'unknown'}`),
            ports || protocols.join(', ').toUpperCase(),
          ]
            .filter(Boolean)
            .join(' · ')}
          {mutualTls && (
            <>
              {' · '}
              <Lock open={mutualTls !== 'all'} size={10} /> {t(`mtls.${mutualTls}`)}
            </>
          )}
        </>
      }
      health={node.health}
      tab={tab}
      onTab={onTab}
      onClose={onClose}
      actions={
        <>
          {service && mayEdit && (
            <>
              {Split && (
                <Button
                  variant={split.open ? 'secondary' : 'primary'}
                  size="sm"
                  icon={<SlidersHorizontal {...icon} />}
                  aria-expanded={split.open}
                  onClick={split.onOpen}
                >
                  {t(split.open ? 'panel.shift.end' : 'panel.shift')}
                </Button>
              )}
              <Button
                variant="secondary"
                size="sm"
                icon={<Plus {...icon} />}
                component={(props) => <Link {...props} {...wizardOf(node)} />}
              >
                {t('panel.rule')}
              </Button>
            </>
          )}
          {page && (
            <Button
              variant="plain"
              size="sm"
              aria-label={t('panel.open', { name: node.name })}
              icon={<SquareArrowOutUpRight {...icon} />}
              component={(props) => <Link {...props} to={page} />}
            />
          )}
          <Button
            variant="plain"
            size="sm"
            aria-label={t('panel.traces')}
            icon={<ListTree {...icon} />}
            component={(props) => <Link {...props} {...tracesOf(node)} />}
          />
          <Button
            variant="plain"
            size="sm"
            aria-label={t('panel.around')}
            icon={<Network {...icon} />}
            onClick={() => onAround(node.id)}
          />
          {service && !mayEdit && <NoRights />}
        </>
      }
      tabs={[
        {
          id: 'traffic',
          title: t('tab.traffic'),
          content: () => (
            <>
              {Split && split.open && service && mayEdit && (
                <Split key={`split of ${node.id}`} namespace={node.namespace ?? ''} name={node.name} form="panel" />
              )}
              <NodeSeries key={node.id} node={node} />
              <Versions node={node} />
              <Answers edges={edges.incoming} peer={node.name} />
              {(node.rules ?? []).length > 0 && (
                <>
                  <h3>{t('rules.here')}</h3>
                  <Rules node={node} />
                </>
              )}
              <Peers title={t('callers')} edges={edges.incoming} other={(e) => e.source} onSelect={onSelect} />
              <Peers title={t('calls')} edges={edges.outgoing} other={(e) => e.target} onSelect={onSelect} />
            </>
          ),
        },
        {
          id: 'rules',
          title: t('tab.rules'),
          count: node.rules?.length ?? 0,
          content: () => <Rules node={node} />,
        },
        {
          id: 'findings',
          title: t('tab.findings'),
          count: findings.length,
          content: () => <Findings findings={findings} />,
        },
        {
          id: 'proxies',
          title: t('tab.proxies'),
          count: proxies.length,
          content: () => <Proxies proxies={proxies} />,
        },
      ]}
    />
  );
}

/** The ports of a service in words, such as "HTTP 9080"; nothing of a gateway with more than a line holds. */
function usePorts({ kind, namespace, name, external }: GraphLiveNode): string {
  const { data } = useQuery({
    ...serviceOptions({ path: { namespace: namespace ?? '', name } }),
    enabled: kind === 'service' && namespace !== undefined && !external,
    staleTime: 60_000,
  });
  const ports = data?.ports ?? [];
  return ports.length > mostPorts ? '' : ports.map((p) => `${p.protocol.toUpperCase()} ${p.number}`).join(', ');
}

function useEdgesOf(id: string): { incoming: GraphLiveEdge[]; outgoing: GraphLiveEdge[] } {
  const store = useGraph();
  const elements = useGraphElements();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store's edges are those of the elements
  return useMemo(() => {
    const edges = store.edges();
    return { incoming: edges.filter((e) => e.target === id), outgoing: edges.filter((e) => e.source === id) };
  }, [store, elements, id]);
}

function Versions({ node }: { node: GraphLiveNode }) {
  const t = useTopologyTexts();
  const versions = node.versions ?? [];
  if (versions.length < 2) {
    return null;
  }
  return (
    <VersionTable
      title={t('versions')}
      rows={versions.map((v) => ({
        key: `${v.namespace}/${v.workload}`,
        name: v.version || v.workload,
        state: v.state ?? 'unknown',
        share: v.share,
        rate: v.rate,
        errorShare: v.errorShare,
        p95: v.p95,
      }))}
    />
  );
}

interface PeersProps {
  title: string;
  edges: readonly GraphLiveEdge[];
  other: (edge: GraphLiveEdge) => string;
  onSelect: (id: string) => void;
}

/** Who is at the other ends; a click opens the thread. */
function Peers({ title, edges, other, onSelect }: PeersProps) {
  const t = useTopologyTexts();
  const store = useGraph();
  if (edges.length === 0) {
    return null;
  }
  const byPeer = new Map<string, GraphLiveEdge[]>();
  for (const edge of edges) {
    byPeer.set(other(edge), [...(byPeer.get(other(edge)) ?? []), edge]);
  }
  const peers = [...byPeer]
    .map(([id, list]) => ({ id, name: store.node(id)?.name ?? id, figures: threadFigures(list), edge: list[0] }))
    .sort((a, b) => b.figures.rate - a.figures.rate || a.name.localeCompare(b.name));
  return (
    <>
      <h3>{title}</h3>
      <ul className="tp-peers num">
        {peers.map(({ id, name, figures, edge }) => (
          <li key={id}>
            <button type="button" onClick={() => edge && onSelect(`${edge.source} > ${edge.target}`)}>
              <HealthGlyph health={figures.state} size={12} />
              <span className="cut" data-ellipsis>
                {name}
              </span>
              <span>{plain(rate(figures.rate, t('col.rps')))}</span>
              <span className={figures.errorShare >= 0.01 ? `k-${figures.state}` : 'dim'}>
                {plain(share(figures.errorShare))}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The rules that act on a node. */
export function Rules({ node }: { node: GraphLiveNode }) {
  const t = useTopologyTexts();
  const rules = node.rules ?? [];
  if (rules.length === 0) {
    return <p className="dim">{t('rules.none')}</p>;
  }
  return (
    <ul className="tp-list">
      {rules.map((ref) => {
        return (
          <li key={`${ref.group} ${ref.kind} ${ref.namespace} ${ref.name}`}>
            {glyphsOf(ref).map((glyph) => (
              <RuleGlyph key={glyph} rule={glyph} />
            ))}
            <ObjectLink to={ref} />
          </li>
        );
      })}
    </ul>
  );
}

/** Findings about the rules that act on it, and about what it is made of. */
function useFindings(node: GraphLiveNode): MeshFinding[] {
  const all = useElements<MeshFinding>(useTopic('findings'));
  return useMemo(() => {
    const key = (ref: { kind: string; namespace?: string; name: string }) =>
      `${ref.kind}/${ref.namespace ?? ''}/${ref.name}`;
    const about = new Set((node.rules ?? []).map(key));
    about.add(key({ kind: 'Service', namespace: node.namespace ?? '', name: node.name }));
    for (const name of [node.workload, ...(node.versions ?? []).map((v) => v.workload)]) {
      if (name) {
        about.add(key({ kind: 'Deployment', namespace: node.namespace ?? '', name }));
      }
    }
    const rank: Record<string, number> = { error: 0, warning: 1, info: 2 };
    return [...all.values()]
      .filter((f) => about.has(key(f.ref)))
      .sort((a, b) => (rank[a.severity] ?? 3) - (rank[b.severity] ?? 3) || a.code.localeCompare(b.code));
  }, [all, node.rules, node.namespace, node.name, node.workload, node.versions]);
}

function Findings({ findings }: { findings: readonly MeshFinding[] }) {
  const t = useTopologyTexts();
  if (findings.length === 0) {
    return <p className="dim">{t('findings.none')}</p>;
  }
  return (
    <ul className="tp-list">
      {findings.map((finding) => (
        <li key={`${finding.code} ${finding.ref.kind} ${finding.ref.name} ${finding.path}`} className="tp-finding">
          <SeverityGlyph severity={finding.severity as 'error' | 'warning' | 'info'} />
          <div>
            <b>{finding.code}</b> <FindingText finding={finding} />
            <div>
              <ObjectLink to={finding.ref} at={finding.path} />
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** The proxies of its pods. */
function useProxies(node: GraphLiveNode): LiveProxy[] {
  const all = useElements<LiveProxy>(useTopic('proxies'));
  return useMemo(() => {
    const workloads = new Set([
      ...(node.versions ?? []).map((v) => `${v.namespace}/${v.workload}`),
      ...(node.workload ? [`${node.namespace}/${node.workload}`] : []),
      ...(node.kind === 'workload' ? [`${node.namespace}/${node.name}`] : []),
    ]);
    return [...all.values()]
      .filter((p) => workloads.has(`${p.namespace}/${p.workload}`))
      .sort((a, b) => (b.refused ?? []).length - (a.refused ?? []).length || a.pod.localeCompare(b.pod));
  }, [all, node.versions, node.workload, node.kind, node.namespace, node.name]);
}

function Proxies({ proxies }: { proxies: readonly LiveProxy[] }) {
  const t = useTopologyTexts();
  if (proxies.length === 0) {
    return <p className="dim">{t('proxies.none')}</p>;
  }
  return (
    <ul className="tp-list">
      {proxies.map((proxy) => {
        const rejected = (proxy.refused ?? []).length > 0;
        return (
          <li key={proxy.uid}>
            <HealthGlyph health={rejected ? 'failing' : proxy.settled ? 'healthy' : 'idle'} size={12} label="" />
            <Link to={proxyAddress(proxy.id)} className="mono cut" data-ellipsis>
              {proxy.pod}
            </Link>
            <span className={rejected ? 'k-failing' : 'dim'}>
              {t(rejected ? 'proxies.rejected' : proxy.settled ? 'proxies.synced' : 'proxies.waiting')}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
