import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { useMemo, useState } from 'react';
import type { LiveProxy } from '../../api/generated/types.gen';
import { graphParts } from '../../api/live/graph-parts';
import { useSelected, useTopic } from '../../api/live/use-live';
import { signOut } from '../../api/session';
import { sessionStore } from '../../api/session-store';
import { useSettingsTexts } from '../../features/settings/texts';
import { useScope } from '../../ui/use-scope';
import { isDark, usePreferences } from '../preferences';
import { useAppTexts } from '../texts';
import { useNames } from '../use-names';
import { type Deed, jumpEntries, jumpGroups } from './jump-entries';

const byPod = (proxies: ReadonlyMap<string, LiveProxy>): LiveProxy[] =>
  [...proxies.values()].sort((a, b) => (a.pod < b.pod ? -1 : 1));

/** What the palette lists: everything with a name, by kind, found by any part of its words. */
export function JumpList({ close }: { close: () => void }) {
  const t = useAppTexts();
  const settings = useSettingsTexts();
  const navigate = useNavigate();
  const names = useNames();
  const [typed, setTyped] = useState('');
  const { theme, setTheme, setLanguage } = usePreferences();
  const dark = isDark(theme);
  const doing: Record<Deed, () => void> = {
    theme: () => setTheme(dark ? 'light' : 'dark'),
    language: () => setLanguage(t.language === 'zh' ? 'en' : 'zh'),
    signOut: () => void signOut(),
  };
  const proxies = useSelected(useTopic('proxies'), byPod);
  const { nodes } = useSelected(useTopic('graph', { mode: 'service', window: useScope().window }), graphParts);
  const can = (capability: string) => sessionStore.getState().session?.capabilities?.includes(capability) ?? false;
  // biome-ignore lint/correctness/useExhaustiveDependencies: rights and texts stay while the palette is open
  const entries = useMemo(
    () => jumpEntries({ names, proxies, drawn: nodes.filter((n) => n.kind === 'service'), t, settings, can, dark }),
    [names.services, names.workloads, names.objects, proxies, nodes],
  );
  return (
    <Command label={t('jump.title')} loop shouldFilter={false}>
      <Command.Input autoFocus placeholder={t('jump')} className="jump-input" value={typed} onValueChange={setTyped} />
      <Command.List className="jump-list">
        <Command.Empty className="jump-none">{t('jump.none')}</Command.Empty>
        {jumpGroups(entries, typed).map(({ group, entries: of, more }) => (
          <Command.Group key={group} heading={t(`jump.${group}`)}>
            {of.map((entry) => (
              <Command.Item
                key={entry.id}
                value={entry.id}
                onSelect={() => {
                  close();
                  if (entry.link) {
                    void navigate(entry.link);
                  }
                  if (entry.deed) {
                    doing[entry.deed]();
                  }
                }}
              >
                <span>{entry.label}</span>
                {entry.hint && <span className="dim">{entry.hint}</span>}
              </Command.Item>
            ))}
            {more > 0 && <div className="jump-more">{t('jump.more', { count: more })}</div>}
          </Command.Group>
        ))}
      </Command.List>
    </Command>
  );
}
