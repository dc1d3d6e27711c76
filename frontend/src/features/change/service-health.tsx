import { graphParts } from '../../api/live/graph-parts';
import { useSelected, useTopic } from '../../api/live/use-live';
import { HealthGlyph } from '../../ui/glyph';
import { useHealthWords } from '../../ui/health-words';
import { useScope } from '../../ui/use-scope';

/** How the service is while its traffic is changed; silent until that is known. */
export function ServiceHealth({ namespace, name }: { namespace: string; name: string }) {
  const words = useHealthWords();
  const { nodes } = useSelected(useTopic('graph', { mode: 'service', window: useScope().window }), graphParts);
  const node = nodes.find((n) => n.namespace === namespace && n.name === name);
  if (!node) {
    return null;
  }
  const { state, reasons } = node.health;
  const wrong = state === 'failing' || state === 'degraded';
  const [reason] = reasons ?? [];
  return (
    <span className={wrong ? `cw-health k-${state}` : 'cw-health'}>
      <HealthGlyph health={state} size={13} />
      {wrong && reason && <span>{words.short(reason)}</span>}
      {wrong && <span className="dim">{words.since(node.health)}</span>}
    </span>
  );
}
