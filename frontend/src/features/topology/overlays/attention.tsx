import type { GraphLiveNode } from '../../../api/generated/types.gen';
import { inScope, type Scope } from '../../../lib/scope';
import { HealthGlyph, healthRank } from '../../../ui/glyph';
import { useHealthWords } from '../../../ui/health-words';
import { useScope } from '../../../ui/use-scope';
import { useGraph, useGraphText } from '../graph-store';
import { useTopologyTexts } from '../texts';

const mostListed = 4;

interface AttentionProps {
  onSelect: (id: string) => void;
}

/** What is wrong in the chosen namespaces, the worst first, causes before what they cause. Nothing when all is well. */
export function Attention({ onSelect }: AttentionProps) {
  const t = useTopologyTexts();
  const words = useHealthWords();
  const store = useGraph();
  const scope = useScope();
  // Draws again only when who is listed, or why, changes.
  useGraphText((s) => JSON.stringify(troubled(s.nodes(), scope).map((n) => [n.id, n.health])));
  const nodes = troubled(store.nodes(), scope);
  if (nodes.length === 0) {
    return null;
  }
  const line = ({ health }: GraphLiveNode) => {
    const cause = health.why?.find((w) => w.rule !== 'startedAfterChange');
    const reason = health.reasons?.[0];
    return cause ? words.why(cause) : reason ? words.reason(reason) : words.since(health);
  };
  return (
    <aside className="tp-attn" aria-label={t('attention')} data-overlay>
      <h2>{t('attention')}</h2>
      {nodes.slice(0, mostListed).map((node) => (
        <button key={node.id} type="button" onClick={() => onSelect(node.id)}>
          <HealthGlyph health={node.health.state} />
          <span>
            <b className="tp-attn-n">{node.name}</b>
            <span className="dim tp-attn-why">{line(node)}</span>
          </span>
        </button>
      ))}
      {nodes.length > mostListed && (
        <p className="dim tp-attn-more">{t('attention.more', { count: nodes.length - mostListed })}</p>
      )}
    </aside>
  );
}

/** Of the chosen namespaces: failing before degraded; what is the cause of another before that one; then the longest. */
function troubled(nodes: readonly GraphLiveNode[], scope: Scope): GraphLiveNode[] {
  const bad = nodes.filter(
    (n) => (n.health.state === 'failing' || n.health.state === 'degraded') && inScope(scope, n.namespace),
  );
  const causes = new Set(bad.flatMap((n) => (n.health.why ?? []).flatMap((w) => w.params.node ?? [])));
  return bad.sort(
    (a, b) =>
      healthRank[a.health.state] - healthRank[b.health.state] ||
      Number(causes.has(b.id)) - Number(causes.has(a.id)) ||
      (a.health.since ?? '').localeCompare(b.health.since ?? '') ||
      a.id.localeCompare(b.id),
  );
}
