import { Button } from '@patternfly/react-core';
import { PanelRight, X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { beside } from '../model/beside';
import type { Rect } from '../model/place';
import type { Viewport } from '../model/viewport';
import { useTopologyTexts } from '../texts';

const icon = { size: 14, strokeWidth: 1.7, 'aria-hidden': true } as const;

interface CardSplitProps {
  name: string;
  /** Where the card is in the drawing. */
  card: Rect;
  viewport: Viewport;
  onClose: () => void;
  /** Goes on in the panel, where there is more room. */
  onPanel: () => void;
  children: ReactNode;
}

/** The slider at a card: it stays beside the card wherever that is seen. */
export function CardSplit({ name, card, viewport, onClose, onPanel, children }: CardSplitProps) {
  const t = useTopologyTexts();
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = root.current;
    if (!element) {
      return;
    }
    const place = () => {
      const { x, y, zoom } = viewport.view;
      const seen = { x: x + card.x * zoom, y: y + card.y * zoom, width: card.width * zoom, height: card.height * zoom };
      const own = { width: element.offsetWidth, height: element.offsetHeight };
      const at = beside(seen, own, viewport.size);
      element.style.transform = `translate(${Math.round(at.x)}px, ${Math.round(at.y)}px)`;
    };
    place();
    const stop = viewport.listen(place);
    const observer = new ResizeObserver(place);
    observer.observe(element);
    return () => {
      stop();
      observer.disconnect();
    };
  }, [card, viewport]);
  useEffect(() => root.current?.focus({ preventScroll: true }), []);

  const onKeyDown = (event: KeyboardEvent) => {
    // What stands elsewhere, as the preview, is within this only for React.
    if (!event.currentTarget.contains(event.target as Node)) {
      return;
    }
    // On a handle it takes the draft back first, and does not come here.
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    }
  };
  return (
    <div
      ref={root}
      className="tp-at-card"
      role="dialog"
      aria-label={t('split.of', { name })}
      tabIndex={-1}
      data-overlay
      onKeyDown={onKeyDown}
    >
      <div className="tp-at-card-h">
        <b className="cut" data-ellipsis>
          {name}
        </b>
        <span className="fill" />
        <Button
          variant="plain"
          size="sm"
          aria-label={t('split.panel')}
          icon={<PanelRight {...icon} />}
          onClick={onPanel}
        />
        <Button variant="plain" size="sm" aria-label={t('panel.close')} icon={<X {...icon} />} onClick={onClose} />
      </div>
      {children}
    </div>
  );
}
