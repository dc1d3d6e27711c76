import { useNode } from '../graph-store';
import type { Scene } from '../model/scene';
import { NodePanel } from './node-panel';
import { ThreadPanel } from './thread-panel';

interface SidePanelProps {
  selected: string;
  scene: Scene;
  tab: string | undefined;
  onTab: (tab: string) => void;
  onClose: () => void;
  onSelect: (id: string) => void;
  onAround: (id: string) => void;
}

/** What is selected: a card or a thread. */
export function SidePanel({ selected, scene, ...rest }: SidePanelProps) {
  const node = useNode(selected);
  const thread = scene.threads.find((one) => one.id === selected);
  if (node) {
    return <NodePanel node={node} {...rest} />;
  }
  return thread ? <ThreadPanel thread={thread} {...rest} /> : null;
}
