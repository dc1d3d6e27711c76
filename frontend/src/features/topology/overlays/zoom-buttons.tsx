import { Button } from '@patternfly/react-core';
import { Maximize, Minus, Plus } from 'lucide-react';
import { useTopologyTexts } from '../texts';

const icon = { size: 15, strokeWidth: 1.7, 'aria-hidden': true } as const;

/** Nearer, farther, everything. */
export function ZoomButtons({ onZoom, onFit }: { onZoom: (factor: number) => void; onFit: () => void }) {
  const t = useTopologyTexts();
  return (
    <div className="tp-zoom" data-overlay>
      <Button
        variant="plain"
        size="sm"
        aria-label={t('zoom.out')}
        icon={<Minus {...icon} />}
        onClick={() => onZoom(0.8)}
      />
      <Button
        variant="plain"
        size="sm"
        aria-label={t('zoom.in')}
        icon={<Plus {...icon} />}
        onClick={() => onZoom(1.25)}
      />
      <Button variant="plain" size="sm" aria-label={t('zoom.fit')} icon={<Maximize {...icon} />} onClick={onFit} />
    </div>
  );
}
