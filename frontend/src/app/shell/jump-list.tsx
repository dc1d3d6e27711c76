import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { sessionStore } from '../../api/session-store';
import { useAppTexts } from '../texts';
import { useNames } from '../use-names';
import { jumpEntries } from './jump-entries';

const groups = ['pages', 'services', 'workloads', 'objects', 'actions'] as const;

/** What the palette lists: everything with a name, by kind, found by any part of its words. */
export function JumpList({ close }: { close: () => void }) {
  const t = useAppTexts();
  const navigate = useNavigate();
  const names = useNames();
  const can = (capability: string) => sessionStore.getState().session?.capabilities?.includes(capability) ?? false;
  const entries = jumpEntries({ names, t, can });
  return (
    <Command label={t('jump.title')} loop>
      <Command.Input autoFocus placeholder={t('jump')} className="jump-input" />
      <Command.List className="jump-list">
        <Command.Empty className="jump-none">{t('jump.none')}</Command.Empty>
        {groups.map((group) => {
          const of = entries.filter((entry) => entry.group === group);
          return (
            of.length > 0 && (
              <Command.Group key={group} heading={t(`jump.${group}`)}>
                {of.map((entry) => (
                  <Command.Item
                    key={entry.id}
                    value={entry.id}
                    keywords={[entry.label, entry.hint ?? '']}
                    onSelect={() => {
                      close();
                      void navigate(entry.link);
                    }}
                  >
                    <span>{entry.label}</span>
                    {entry.hint && <span className="dim">{entry.hint}</span>}
                  </Command.Item>
                ))}
              </Command.Group>
            )
          );
        })}
      </Command.List>
    </Command>
  );
}
