import { Button } from '@patternfly/react-core';
import { Undo2 } from 'lucide-react';
import { useId, useState } from 'react';
import type { ChangeOutputBody, HistoryChange, PreviewEntry } from '../../api/generated/types.gen';
import { asProblem, type Problem } from '../../api/problem';
import { path, request } from '../../api/request';
import { fullName } from '../../lib/kinds';
import { useProblemWords } from '../../ui/problem-words';
import { PreviewDrawer } from '../preview/preview-drawer';
import { useUndoTexts } from './texts';
import { undoEntries } from './undo-entries';

interface UndoButtonProps {
  change: HistoryChange;
  /** It is taken back: by this change, or nothing had to be written. */
  onUndone: (by: HistoryChange | undefined) => void;
  size?: 'sm' | 'default';
  /** The first thing to do on the page. */
  primary?: boolean;
  /** What the button says; "Undo this change" by itself. */
  label?: string;
  /** What is taken back, for who hears the button without seeing what it stands beside. */
  what?: string;
}

/**
 * Takes a change back at once; of one that holds Secrets the rest, and says which stay. Where
 * something was changed since, or where the former state would be an error today, it opens the
 * preview with both sides.
 */
export function UndoButton({ change, onUndone, size = 'sm', primary = false, label, what }: UndoButtonProps) {
  const t = useUndoTexts();
  const words = useProblemWords();
  const note = useId();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [merge, setMerge] = useState<PreviewEntry[]>();
  if (!change.undoable || change.undoneBy) {
    return null;
  }
  const stays = (change.stays ?? []).map(fullName);
  const rest = stays.length > 0;
  const undo = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await request<ChangeOutputBody>(path`/api/v1/changes/${change.id}/undo`, {
        method: 'POST',
        body: rest ? { rest } : {},
      });
      onUndone(answer.change);
    } catch (error) {
      const found = asProblem(error);
      if (found.status !== 412 && found.status !== 422) {
        setProblem(found);
        return;
      }
      try {
        setMerge(undoEntries(await request<HistoryChange>(path`/api/v1/changes/${change.id}`)));
      } catch (second) {
        setProblem(asProblem(second));
      }
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button
        variant={primary ? 'primary' : 'secondary'}
        size={size}
        // What is undone in part says so, and what it is of below.
        aria-label={rest ? undefined : what}
        aria-describedby={rest ? note : undefined}
        icon={<Undo2 size={14} strokeWidth={1.7} aria-hidden />}
        isDisabled={busy}
        {...(busy ? { isLoading: true } : {})}
        onClick={() => void undo()}
      >
        {rest ? t('undo.rest') : (label ?? t('undo'))}
      </Button>
      {rest && (
        <span id={note} className="dim">
          {t('undo.stays', { count: stays.length, names: stays.join(', ') })}
        </span>
      )}
      {problem && (
        <span role="alert" className="k-failing">
          {words(problem)}
        </span>
      )}
      {merge && (
        <PreviewDrawer
          entries={merge}
          undoes={change.id}
          onApplied={(by) => {
            setMerge(undefined);
            onUndone(by);
          }}
          onClose={() => setMerge(undefined)}
        />
      )}
    </>
  );
}
