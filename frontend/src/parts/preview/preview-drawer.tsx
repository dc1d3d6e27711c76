import { Button } from '@patternfly/react-core';
import { X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { createPortal } from 'react-dom';
import type { HistoryChange, PreviewEntry } from '../../api/generated/types.gen';
import { useMayWrite } from '../../api/rights';
import { roleToWrite } from '../../lib/kinds';
import { CopyButton } from '../../ui/copy-button';
import { Failed, Loading, NoRights } from '../../ui/states';
import { ApplyProblem } from './apply-problem';
import { applyCommand } from './command';
import { Conflicts } from './conflicts';
import { Findings } from './findings';
import './preview.css';
import { withMerged } from './resolve';
import { Settings } from './settings';
import { usePreviewTexts } from './texts';
import { Told } from './told';
import { useApply } from './use-apply';
import { usePreview } from './use-preview';
import { Written } from './written';

export interface PreviewDrawerProps {
  /** The change, as PUT /api/v1/changes takes it. */
  entries: readonly PreviewEntry[];
  /** True while the entries are still those of an earlier wish: they are shown, and cannot be applied. */
  behind?: boolean;
  /** It is written; without a change nothing had to be. */
  onApplied: (change: HistoryChange | undefined) => void;
  /** The drawer was closed, or the change discarded. */
  onClose: () => void;
  /** Discards the change; closes only, where it is left out. */
  onDiscard?: () => void;
  /** Where the text lives in an editor: takes the merged entries instead of the drawer. */
  onMerged?: (entries: PreviewEntry[]) => void;
  /** The change that this one takes back. */
  undoes?: string;
  /** What undo will do, in words; a general sentence stands there otherwise. */
  undoNote?: ReactNode;
}

/**
 * What a change would do, beside the page: what is written, findings, who is told. Nothing is
 * written before Apply. It stands at the right of the work, wherever it is rendered.
 */
export function PreviewDrawer(props: PreviewDrawerProps) {
  const frame = document.getElementById('main')?.parentElement;
  const drawer = <Drawer {...props} />;
  return frame ? createPortal(drawer, frame) : drawer;
}

function Drawer({
  entries: given,
  behind: older = false,
  onApplied,
  onClose,
  onDiscard,
  onMerged,
  undoes,
  undoNote,
}: PreviewDrawerProps) {
  const t = usePreviewTexts();
  const refs = given.map((entry) => entry.ref);
  const may = useMayWrite()(refs);
  // What a merge made of the entries, until the page gives others.
  const [mine, setMine] = useState<{ of: readonly PreviewEntry[]; entries: PreviewEntry[] }>();
  const entries = mine?.of === given ? mine.entries : given;
  const { preview, problem, behind: asking, retry } = usePreview(entries);
  const behind = older || asking;
  const applying = useApply(onApplied);
  const conflicts = applying.conflicts.length > 0 ? applying.conflicts : (preview?.conflicts ?? []);
  const force = applying.forceable || (preview?.blocked === true && !preview.refused);
  const ready = preview && !behind && conflicts.length === 0 && !preview.refused;

  const apply = (options: { force?: boolean } = {}) =>
    applying.apply(entries, { ...options, ...(undoes ? { undoes } : {}) });

  return (
    <aside className="pv" aria-label={t('title')}>
      <header className="pv-h">
        <h2>{t('title')}</h2>
        <span className="dim">{t('nothingYet')}</span>
        <span className="fill" />
        <Button
          variant="plain"
          size="sm"
          aria-label={t('close')}
          icon={<X size={16} strokeWidth={1.7} aria-hidden />}
          onClick={onClose}
        />
      </header>
      <div className={`pv-b ${behind ? 'is-behind' : ''}`} aria-busy={behind}>
        {conflicts.length > 0 && (
          <Conflicts
            conflicts={conflicts}
            onResolve={(conflict, text) => {
              const merged = withMerged(entries, conflict, text);
              applying.forget();
              if (onMerged) {
                onMerged(merged);
              } else {
                setMine({ of: given, entries: merged });
              }
            }}
          />
        )}
        {problem ? (
          <Failed title={t('failed')} error={problem} retry={retry} />
        ) : preview ? (
          <>
            <Written written={preview.written ?? []} />
            <Findings findings={preview.findings} />
            <Settings settings={preview.settings ?? []} />
            <Told preview={preview} entries={entries} />
          </>
        ) : (
          <Loading lines={8} />
        )}
      </div>
      <footer className="pv-f">
        <ApplyProblem applying={applying} />
        {may ? (
          <div className="pv-act">
            {force ? (
              <Button
                variant="danger"
                isDisabled={!ready || applying.busy}
                isLoading={applying.busy}
                onClick={() => apply({ force: true })}
              >
                {t('applyAnyway')}
              </Button>
            ) : (
              <Button
                variant="primary"
                isDisabled={!ready || applying.busy}
                isLoading={applying.busy}
                onClick={() => apply()}
              >
                {t('apply')}
              </Button>
            )}
            <Button variant="secondary" onClick={onDiscard ?? onClose} isDisabled={applying.busy}>
              {t('discard')}
            </Button>
            {preview && <CopyButton text={applyCommand(preview.written ?? [])}>{t('copyCommand')}</CopyButton>}
          </div>
        ) : (
          <NoRights role={roleToWrite(refs)} />
        )}
        <p className="dim">{preview?.refused ? t('refused') : force ? t('blocked') : (undoNote ?? t('undoNote'))}</p>
      </footer>
    </aside>
  );
}
