import { clock } from '../../../lib/format';
import { Empty } from '../../../ui/states';
import { useGoneSince, useNode } from '../graph-store';
import type { Scene } from '../model/scene';
import { useTopologyTexts } from '../texts';
import { PanelFrame } from './frame';
import { NodePanel, type PanelSplit } from './node-panel';
import { ThreadPanel } from './thread-panel';

interface SidePanelProps {
  selected: string;
  scene: Scene;
  tab: string | undefined;
  onTab: (tab: string) => void;
  onClose: () => void;
  onSelect: (id: string) => void;
  onAround: (id: string) => void;
  split: PanelSplit;
}

/** What is selected: a card or a thread. */
export function SidePanel({ selected, scene, onAround, split, ...rest }: SidePanelProps) {
  const node = useNode(selected);
  const gone = useGoneSince(selected);
  const thread = scene.threads.find((one) => one.id === selected);
  if (node && gone !== undefined) {
    return <GonePanel name={node.name} at={gone} onClose={rest.onClose} />;
  }
  if (node) {
    return <NodePanel node={node} onAround={onAround} split={split} {...rest} />;
  }
  return thread ? <ThreadPanel thread={thread} {...rest} /> : null;
}

/** It was selected, and has left since. */
function GonePanel({ name, at, onClose }: { name: string; at: number; onClose: () => void }) {
  const t = useTopologyTexts();
  return (
    <PanelFrame
      title={name}
      place={t('gone', { time: clock(at) })}
      health={{ state: 'unknown' }}
      actions={null}
      tabs={[
        {
          id: 'traffic',
          title: t('tab.traffic'),
          content: () => <Empty title={t('panel.gone')}>{t('panel.gone.text')}</Empty>,
        },
      ]}
      tab={undefined}
      onTab={() => {}}
      onClose={onClose}
    />
  );
}
