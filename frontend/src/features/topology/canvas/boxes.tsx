import { ChevronDown } from 'lucide-react';
import { memo } from 'react';
import type { Rect } from '../model/place';
import { useTopologyTexts } from '../texts';

interface BoxesProps {
  boxes: readonly { namespace: string; rect: Rect; cards: readonly string[] }[];
  countText: (cards: readonly string[]) => string;
  onCollapse: (namespace: string) => void;
}

/** Open namespaces. Their heads collapse them; by keyboard a card's C does. */
export const Boxes = memo(function Boxes({ boxes, countText, onCollapse }: BoxesProps) {
  const t = useTopologyTexts();
  return boxes.map(({ namespace, rect, cards }) => (
    <div
      key={namespace}
      className="tp-box"
      style={{ transform: `translate(${rect.x}px, ${rect.y}px)`, width: rect.width, height: rect.height }}
    >
      <button
        type="button"
        className="tp-box-h"
        tabIndex={-1}
        data-overlay
        title={t('namespace.collapse', { name: namespace })}
        onClick={() => onCollapse(namespace)}
      >
        <ChevronDown size={13} aria-hidden />
        <b className="tp-box-n">{namespace}</b>
        <span className="num">{countText(cards)}</span>
      </button>
    </div>
  ));
});
