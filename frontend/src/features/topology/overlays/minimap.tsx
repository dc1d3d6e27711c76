import { type PointerEvent, useMemo, useSyncExternalStore } from 'react';
import { useGraph, useStructure } from '../graph-store';
import { worst } from '../model/figures';
import type { Positions, Rect, Sizes } from '../model/place';
import type { Scene } from '../model/scene';
import { holds, seen, type Viewport } from '../model/viewport';
import { useTopologyTexts } from '../texts';

const width = 148;
const height = 92;
const inset = 8;

interface MinimapProps {
  scene: Scene;
  at: Positions;
  sizes: Sizes;
  boxes: readonly Rect[];
  drawing: Rect;
  viewport: Viewport;
}

/** The whole mesh in small, while more of it exists than is seen. A click or pull goes there. */
export function Minimap({ scene, at, sizes, boxes, drawing, viewport }: MinimapProps) {
  const t = useTopologyTexts();
  const whole = useSyncExternalStore(viewport.listen, () => holds(viewport.view, viewport.size, drawing));
  const view = useSyncExternalStore(viewport.listen, () => viewport.view);
  const { nodes } = useStructure(useGraph());
  const states = useMemo(() => new Map(nodes.map((n) => [n.id, n.state])), [nodes]);
  if (whole || scene.cards.length === 0) {
    return null;
  }
  const scale = Math.min((width - 2 * inset) / drawing.width, (height - 2 * inset) / drawing.height);
  const left = (width - drawing.width * scale) / 2;
  const top = (height - drawing.height * scale) / 2;
  const small = (r: Rect) => ({
    x: left + (r.x - drawing.x) * scale,
    y: top + (r.y - drawing.y) * scale,
    width: Math.max(1, r.width * scale),
    height: Math.max(1, r.height * scale),
  });
  const go = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) {
      return;
    }
    const box = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - box.left - left) / scale + drawing.x;
    const y = (event.clientY - box.top - top) / scale + drawing.y;
    const { zoom } = viewport.view;
    viewport.set({ zoom, x: viewport.size.width / 2 - x * zoom, y: viewport.size.height / 2 - y * zoom });
  };
  const part = small(seen(view, viewport.size));
  return (
    <div className="tp-map" data-overlay>
      <svg
        className="tp-map-svg"
        width={width}
        height={height}
        role="img"
        aria-label={t('map')}
        onPointerDown={go}
        onPointerMove={go}
      >
        {boxes.map((box, i) => (
          <rect key={i} {...small(box)} className="tp-map-box" />
        ))}
        {scene.cards.map((card) => {
          const point = at.get(card.id);
          const state =
            card.kind === 'node' ? states.get(card.node) : worst(card.nodes.flatMap((id) => states.get(id) ?? []));
          return point ? (
            <rect key={card.id} {...small({ ...point, ...sizes(card.id) })} className={`tp-map-card m-${state}`} />
          ) : null;
        })}
        <path
          className="tp-map-mask"
          fillRule="evenodd"
          d={`M0 0H${width}V${height}H0ZM${part.x} ${part.y}v${part.height}h${part.width}v${-part.height}Z`}
        />
      </svg>
    </div>
  );
}
