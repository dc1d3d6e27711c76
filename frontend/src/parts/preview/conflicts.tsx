import { Button, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useState } from 'react';
import type { MergeConflict } from '../../api/generated/types.gen';
import { clock } from '../../lib/format';
import { Banner } from '../../ui/states';
import { refKey, resolved, type Side } from './resolve';
import { usePreviewTexts } from './texts';
import './preview.css';

interface ConflictsProps {
  conflicts: readonly MergeConflict[];
  onResolve: (conflict: MergeConflict, text: string) => void;
}

/** Objects that somebody else changed meanwhile: block by block mine, theirs or both. */
export function Conflicts({ conflicts, onResolve }: ConflictsProps) {
  return conflicts.map((c) => (
    <Conflict key={`${refKey(c.ref)} ${c.etag}`} conflict={c} onResolve={(text) => onResolve(c, text)} />
  ));
}

const sides: readonly Side[] = ['mine', 'theirs', 'both'];

function Conflict({ conflict, onResolve }: { conflict: MergeConflict; onResolve: (text: string) => void }) {
  const t = usePreviewTexts();
  const [chosen, setChosen] = useState<(Side | undefined)[]>([]);
  const text = resolved(conflict, chosen);
  const by = conflict.theirsBy;
  const name = `${conflict.ref.kind} ${conflict.ref.name}`;
  let block = -1;
  return (
    <section className="pv-s pv-c">
      <Banner
        tone="failing"
        lead={
          by
            ? t('conflict.by', { actor: by.actor, name, time: clock(by.at) })
            : t(conflict.theirs === '' ? 'conflict.gone' : 'conflict.changed', { name })
        }
      >
        {t('conflict.nothingLost')}
      </Banner>
      {conflict.merged !== undefined ? (
        <p className="pv-note">{t('conflict.clean')}</p>
      ) : (
        (conflict.hunks ?? []).map((hunk, i) => {
          if (hunk.kind !== 'conflict') {
            return null;
          }
          block++;
          const at = block;
          return (
            <div key={i} className="pv-b3">
              <ToggleGroup isCompact aria-label={t('conflict.block', { number: at + 1 })}>
                {sides.map((side) => (
                  <ToggleGroupItem
                    key={side}
                    text={t(`conflict.${side}`)}
                    isSelected={chosen[at] === side}
                    onChange={() => setChosen((old) => Object.assign([...old], { [at]: side }))}
                  />
                ))}
              </ToggleGroup>
              <div className="pv-two">
                <Block
                  title={t('conflict.mine')}
                  text={hunk.mine}
                  on={chosen[at] === 'mine' || chosen[at] === 'both'}
                />
                <Block
                  title={t('conflict.theirs')}
                  text={hunk.theirs}
                  on={chosen[at] === 'theirs' || chosen[at] === 'both'}
                />
              </div>
            </div>
          );
        })
      )}
      <Button
        variant="secondary"
        size="sm"
        isDisabled={text === undefined}
        onClick={() => text !== undefined && onResolve(text)}
      >
        {t('conflict.use')}
      </Button>
    </section>
  );
}

function Block({ title, text, on }: { title: string; text: string; on: boolean }) {
  const t = usePreviewTexts();
  return (
    <div className={on ? 'on' : ''}>
      <span className="dim">{title}</span>
      {text === '' ? <em className="dim">{t('conflict.empty')}</em> : <pre className="mono">{text}</pre>}
    </div>
  );
}
