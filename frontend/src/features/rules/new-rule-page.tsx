import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useCheck } from '../../api/check';
import type { PreviewEntry } from '../../api/generated/types.gen';
import { useMayWrite } from '../../api/rights';
import { changeAddress } from '../../lib/addresses';
import { useDraft } from '../../lib/drafts';
import { addressOf, roleToWrite } from '../../lib/kinds';
import { PreviewDrawer } from '../../parts/preview/preview-drawer';
import { PageHead } from '../../ui/page';
import { Empty, NoRights } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import { Begin } from './change-traffic';
import { newDraftName } from './draft-names';
import { Editor, EditorFoot } from './editor';
import { KindGlyph } from './kind-glyph';
import { ObjectsList } from './objects-list';
import './rules.css';
import { Facts } from './rules-page';
import { standingOf } from './standing';
import { template, templateKinds } from './templates';
import { useRulesTexts } from './texts';

/** The list of objects, and beside it one that is not written yet. */
export function NewRulePage() {
  const t = useRulesTexts();
  const { of = '' } = useSearch({ strict: false }) as { of?: string };
  const { namespaces } = useScope();
  const initial = template(of, namespaces[0] ?? 'default', 'example');
  return (
    <div className="page">
      <PageHead
        title={
          <Link to="/rules" className="ru-title">
            {t('title')}
          </Link>
        }
        facts={<Facts />}
        actions={<Begin />}
      />
      <div className="ru-split">
        <div className="ru-l">
          <ObjectsList compact />
        </div>
        <section className="ru-r" aria-label={t('new.title', { kind: of })}>
          {initial === undefined ? (
            <>
              <h2 className="vh">{t('new')}</h2>
              <Empty title={t('new.unknown', { kind: of })} />
            </>
          ) : (
            <NewRule key={of} kind={of} initial={initial} />
          )}
        </section>
      </div>
    </div>
  );
}

function NewRule({ kind, initial }: { kind: string; initial: string }) {
  const t = useRulesTexts();
  const navigate = useNavigate();
  const written = templateKinds.filter((of) => of.kind === kind);
  const may = useMayWrite()(written);
  const [text, setText, forget] = useDraft(newDraftName(kind), initial);
  const [previewing, setPreviewing] = useState(false);
  // What a fix changes besides this object.
  const [beside, setBeside] = useState<PreviewEntry>();
  const manifests = useMemo(() => [{ file: kind, text }], [kind, text]);
  const check = useCheck(manifests);
  const standing = standingOf({
    checking: check.checking,
    edited: text.trim() !== '',
    findings: check.answer?.findings ?? [],
    documents: check.answer?.documents ?? [],
  });
  const ref = standing.ref;
  const entries = useMemo(
    (): PreviewEntry[] => (ref && previewing ? [...(beside ? [beside] : []), { ref, yaml: text }] : []),
    [ref, text, previewing, beside],
  );
  return (
    <>
      <div className="ru-h1">
        <KindGlyph kind={kind} size={15} />
        <h2>{t('new.title', { kind })}</h2>
      </div>
      <div className="ru-v ru-v-new">
        <Editor
          label={t('new.title', { kind })}
          kind={kind}
          text={text}
          saved=""
          onChange={may ? setText : undefined}
          check={check}
          onEntry={(entry) => {
            setBeside(entry);
            setPreviewing(true);
          }}
        />
      </div>
      {may ? (
        <EditorFoot
          isNew
          text={text}
          onText={setText}
          check={check}
          standing={standing}
          onPreview={() => setPreviewing(true)}
          onRevert={text === initial ? undefined : forget}
        />
      ) : (
        <div className="ru-f">
          <NoRights role={roleToWrite(written)} />
        </div>
      )}
      {previewing && ref && (
        <PreviewDrawer
          entries={entries}
          onApplied={(change) => {
            forget();
            // The change is where it is seen to arrive, and where it is taken back.
            void navigate(
              change
                ? { to: changeAddress(change.id) }
                : {
                    to: '/rules/$kind/$namespace/$name',
                    params: addressOf(ref),
                    search: (old: object) => ({ ...old, of: undefined }) as object,
                  },
            );
          }}
          onClose={() => {
            setPreviewing(false);
            setBeside(undefined);
          }}
        />
      )}
    </>
  );
}
