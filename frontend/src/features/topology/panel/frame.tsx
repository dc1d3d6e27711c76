import { Button, Tab, Tabs, TabTitleText } from '@patternfly/react-core';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { GraphHealth } from '../../../api/generated/types.gen';
import { HealthGlyph } from '../../../ui/glyph';
import { useHealthWords } from '../../../ui/health-words';
import { Why as Causes } from '../../../ui/why';
import { useTopologyTexts } from '../texts';

export interface PanelTab {
  id: string;
  title: string;
  count?: number;
  content: () => ReactNode;
}

interface PanelFrameProps {
  title: string;
  place: ReactNode;
  health: GraphHealth;
  actions: ReactNode;
  tabs: readonly PanelTab[];
  tab: string | undefined;
  onTab: (tab: string) => void;
  onClose: () => void;
}

/** Who it is, why it is so, what can be done, and the rest in tabs. */
export function PanelFrame({ title, place, health, actions, tabs, tab, onTab, onClose }: PanelFrameProps) {
  const t = useTopologyTexts();
  const current = tabs.find((one) => one.id === tab) ?? tabs[0];
  return (
    <aside className="tp-panel" aria-label={title} tabIndex={-1}>
      <div className="tp-panel-h">
        <HealthGlyph health={health.state} size={18} />
        <div>
          <h2>{title}</h2>
          <div className="dim">{place}</div>
        </div>
        <Button variant="plain" aria-label={t('panel.close')} icon={<X size={15} aria-hidden />} onClick={onClose} />
      </div>
      <Why health={health} />
      {actions && <div className="tp-panel-a">{actions}</div>}
      <Tabs
        activeKey={current?.id ?? ''}
        onSelect={(_, id) => onTab(String(id))}
        aria-label={title}
        className="tp-panel-t"
      >
        {tabs.map((one) => (
          <Tab
            key={one.id}
            eventKey={one.id}
            tabContentId="topology-panel"
            title={
              <TabTitleText>
                {one.title} {one.count ? <span className="tp-count num">{one.count}</span> : null}
              </TabTitleText>
            }
          />
        ))}
      </Tabs>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard */}
      <div className="tp-panel-b" id="topology-panel" role="tabpanel" aria-label={current?.title} tabIndex={0}>
        {current?.content()}
      </div>
    </aside>
  );
}

/** The reasons of a state, with causes and since when. */
function Why({ health }: { health: GraphHealth }) {
  const words = useHealthWords();
  const reasons = health.reasons ?? [];
  if ((health.state !== 'failing' && health.state !== 'degraded') || reasons.length === 0) {
    return null;
  }
  const first = reasons[0];
  const why = health.why ?? [];
  const started = why.some((w) => w.rule === 'startedAfterChange');
  return (
    <div className={`tp-panel-w k-${health.state}`}>
      <HealthGlyph health={health.state} size={13} label="" />
      <div>
        {first && <p>{words.reason(first)}</p>}
        {why.length > 0 && (
          <p>
            <Causes causes={why} />
          </p>
        )}
        {!started && <p className="num">{words.since(health)}</p>}
      </div>
    </div>
  );
}
