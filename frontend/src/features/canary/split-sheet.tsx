import { Button, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import type { CanaryCandidate, CanaryRefusal, CanaryTold, HistoryChange } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { useCan } from '../../api/session-store';
import { clock, count, number, plain, share } from '../../lib/format';
import { PreviewDrawer } from '../../parts/preview/preview-drawer';
import { UndoButton } from '../../parts/undo/undo-button';
import { useProblemWords } from '../../ui/problem-words';
import { Banner, Failed, Loading, NoRights, StateChip } from '../../ui/states';
import './canary.css';
import { ShareSlider } from './share-slider';
import { ShareTable } from './share-table';
import { useSplitDraft } from './split-drafts';
import { type Shares, sameShares, setShare, stableOf, widestGap } from './split-math';
import { useCanaryTexts } from './texts';
import { list, useSplit, useSplitEntries } from './use-split';

const quick = [0, 5, 20, 50, 100];

/** Where the slider stands: a sheet of a page, within a panel, or at a card, where the numbers are left out. */
export type SplitForm = 'page' | 'panel' | 'card';

interface SplitSheetProps {
  namespace: string;
  name: string;
  form?: SplitForm;
}

const frameOf: Record<SplitForm, string> = { page: 'sheet cn', panel: 'cn cn-panel', card: 'cn cn-card' };

/** The canary slider of one service: asked, in effect and measured, a preview of each move, and Apply. */
export function SplitSheet({ namespace, name, form = 'page' }: SplitSheetProps) {
  const t = useCanaryTexts();
  const { query, candidates, candidate, choose, versions, told, again } = useSplit(namespace, name);
  // A split that makes its rule is another candidate afterwards; what was applied stays known.
  const [applied, setApplied] = useState<HistoryChange>();
  if (query.error) {
    return (
      <section className={frameOf[form]}>
        <Title form={form}>{t('title')}</Title>
        <Failed error={asProblem(query.error)} retry={() => void query.refetch()} />
      </section>
    );
  }
  if (!query.data) {
    return (
      <section className={frameOf[form]}>
        <Title form={form}>{t('title')}</Title>
        <Loading lines={5} />
      </section>
    );
  }
  if (!candidate) {
    return <Refused refusal={query.data.refused} service={name} form={form} />;
  }
  return (
    <Split
      // Another rule is another question: no draft goes along.
      key={candidate.id}
      form={form}
      service={{ namespace, name }}
      candidates={candidates}
      candidate={candidate}
      choose={choose}
      versions={versions}
      told={told}
      again={again}
      applied={applied}
      onApplied={setApplied}
    />
  );
}

/** In the panel the name of the service is above it. */
function Title({ form, children }: { form: SplitForm; children: ReactNode }) {
  return form === 'panel' ? <h3 className="cn-h">{children}</h3> : <h2 className="cn-h">{children}</h2>;
}

/** How long what is written may take until the mesh tells of it, in milliseconds. */
const toldWithin = 10_000;

interface SplitProps {
  form: SplitForm;
  service: { namespace: string; name: string };
  candidates: readonly CanaryCandidate[];
  candidate: CanaryCandidate;
  choose: (id: string) => void;
  versions: readonly string[];
  told: CanaryTold | undefined;
  again: () => void;
  applied: HistoryChange | undefined;
  onApplied: (change: HistoryChange | undefined) => void;
}

function Split({
  form,
  service,
  candidates,
  candidate,
  choose,
  versions,
  told,
  again,
  applied,
  onApplied,
}: SplitProps) {
  const t = useCanaryTexts();
  const words = useProblemWords();
  const may = useCan('editTraffic');
  const [draft, setDraft] = useSplitDraft(service, candidate.id, versions);
  const written = list(versions, told?.asked ?? candidate.weights);
  const effect = told ? list(versions, told.effect) : written;
  const asked = draft?.shares ?? written;
  const changed = draft !== undefined && !sameShares(draft.shares, written);
  const applying = changed && draft.applied === true;
  const moved = draft !== undefined && !sameShares(draft.base, written);
  const conflict = changed && !applying && moved;
  const stable = stableOf(effect);
  const newest = versions.length - 1;
  const counted = told && told.n > 0 ? versions.map((v) => told.measured[v]?.pct ?? 0) : undefined;

  const ask = (shares: number[]) => setDraft((old) => ({ base: old?.base ?? written, shares, closed: false }));
  const close = (closed: boolean) => setDraft((old) => old && { ...old, closed });
  const discard = () => setDraft(undefined);
  // A draft that says what is written is none: the next change of others is no conflict with it.
  // Nor is one that was written before somebody else wrote other shares.
  const spent = draft !== undefined && (!changed || (applying && moved));
  useEffect(() => {
    if (spent) {
      setDraft(undefined);
    }
  }, [spent, setDraft]);
  // What was taken back at once is never told of.
  useEffect(() => {
    if (applying) {
      const timer = setTimeout(setDraft, toldWithin, undefined);
      return () => clearTimeout(timer);
    }
  }, [applying, setDraft]);
  const wanted = changed && !conflict && !applying ? draft.shares : undefined;
  const proposal = useSplitEntries(service, candidate, versions, wanted);

  return (
    <section className={frameOf[form]}>
      <Title form={form}>
        {t('title')}
        <Chip
          draft={changed && !applying}
          conflict={conflict}
          applying={applying}
          told={told}
          versions={versions}
          asked={written}
        />
        <span className="fill" />
        {may && (
          // biome-ignore lint/a11y/useSemanticElements: no fieldset
          <span className="cn-quick" role="group" aria-label={t('quick', { version: versions[newest] ?? '' })}>
            <span className="dim" aria-hidden="true">
              {versions[newest]}
            </span>
            {quick.map((v) => (
              <button
                type="button"
                key={v}
                className={v === asked[newest] ? 'on' : ''}
                aria-pressed={v === asked[newest]}
                onClick={() => ask(setShare(asked, newest, v, stable))}
              >
                {v} %
              </button>
            ))}
          </span>
        )}
      </Title>
      {candidates.length > 1 && (
        <div className="cn-of">
          <label htmlFor="cn-candidate" className="dim">
            {t('rule')}
          </label>
          <FormSelect id="cn-candidate" value={candidate.id} onChange={(_, id) => choose(id)}>
            {candidates.map((c) => (
              <FormSelectOption key={c.id} value={c.id} label={candidateName(c, t)} />
            ))}
          </FormSelect>
        </div>
      )}
      {conflict && (
        <Conflict
          mine={draft.shares}
          theirs={written}
          effect={effect}
          versions={versions}
          onTheirs={discard}
          onMine={() => setDraft({ ...draft, base: written })}
        />
      )}
      <ShareSlider
        versions={versions}
        asked={asked}
        effect={effect}
        measured={counted}
        {...(may ? { onAsk: ask, onReset: discard } : {})}
      />
      {form !== 'card' && (
        <ShareTable
          versions={versions}
          asked={asked}
          effect={effect}
          measured={told?.measured ?? {}}
          stable={stable}
          {...(may ? { onAsk: ask } : {})}
        />
      )}
      <div className="cn-foot dim">
        {!may ? (
          <NoRights />
        ) : form === 'card' ? null : (
          <p>
            {t.rich('keys', {
              arrows: (
                <>
                  <kbd>←</kbd> <kbd>→</kbd>
                </>
              ),
              pages: (
                <>
                  <kbd>PgUp</kbd> <kbd>PgDn</kbd>
                </>
              ),
            })}
          </p>
        )}
        <p className="num">
          {told && told.n > 0
            ? t('counted', { count: told.n, n: count(told.n), time: clock(told.since) })
            : t('notCounted')}
          {told?.allRoutes && ` ${t('allRoutes')}`}
        </p>
      </div>
      {changed && !applying && draft.closed && (
        <div className="cn-act">
          <Button variant="primary" size="sm" onClick={() => close(false)}>
            {t('preview')}
          </Button>
          <Button variant="secondary" size="sm" onClick={discard}>
            {t('discard')}
          </Button>
        </div>
      )}
      {proposal.error && wanted && (
        <Banner tone="failing" lead={t('noEntries')}>
          {words(asProblem(proposal.error))}
        </Banner>
      )}
      {applied && (!changed || applying) && (
        <div className="cn-act" role="status">
          <span>{t('applied', { time: clock(applied.at) })}</span>
          <Link to="/changes/$id" params={{ id: applied.id }}>
            {t('follow')}
          </Link>
          <UndoButton
            change={applied}
            onUndone={() => {
              discard();
              onApplied(undefined);
              again();
            }}
          />
        </div>
      )}
      {wanted && !draft?.closed && proposal.entries.length > 0 && (
        <PreviewDrawer
          entries={proposal.entries}
          behind={proposal.behind}
          onApplied={(change) => {
            // A rule that is new has another name from now on.
            setDraft((old) => (old && candidate.ref ? { ...old, applied: true } : undefined));
            onApplied(change);
            again();
          }}
          onClose={() => close(true)}
          onDiscard={discard}
          undoNote={t('undo', { shares: written.join(' / ') })}
        />
      )}
    </section>
  );
}

type Texts = ReturnType<typeof useCanaryTexts>;

function candidateName(c: CanaryCandidate, t: Texts): string {
  const rule = c.ref ? `${c.ref.namespace}/${c.ref.name}` : '';
  const where = c.route === null ? '' : ` http[${c.route}]${c.name ? ` ${c.name}` : ''}`;
  const matches = (c.matches ?? []).join(t('or'));
  return t(c.kind === 'gateway' ? 'candidate.gateway' : 'candidate.mesh', {
    rule: c.ref ? `${rule}${where}` : t('candidate.new'),
    matches: matches ? t('candidate.matches', { matches }) : t('candidate.all'),
  });
}

interface ChipProps {
  draft: boolean;
  conflict: boolean;
  /** It is written, and the mesh does not say so yet. */
  applying: boolean;
  told: CanaryTold | undefined;
  versions: readonly string[];
  asked: Shares;
}

/** Where the split stands; the only thing that changes between the states. */
function Chip({ draft, conflict, applying, told, versions, asked }: ChipProps) {
  const t = useCanaryTexts();
  if (conflict) {
    return <StateChip state="conflict">{t('state.conflict')}</StateChip>;
  }
  if (draft) {
    return <StateChip state="draft">{t('state.draft')}</StateChip>;
  }
  if (!told) {
    return null;
  }
  if (applying) {
    return <StateChip state="pending">{t('state.pending', { acked: 0, total: told.total })}</StateChip>;
  }
  switch (told.state) {
    case 'pending':
      return <StateChip state="pending">{t('state.pending', { acked: told.acked, total: told.total })}</StateChip>;
    case 'converging': {
      const measured = versions.map((v) => told.measured[v]?.pct ?? 0);
      const i = widestGap(asked, measured);
      return (
        <StateChip state="converging">
          {told.n === 0
            ? t('state.waiting')
            : t('state.converging', {
                version: versions[i] ?? '',
                measured: plain(share((measured[i] ?? 0) / 100)),
                asked: plain(share((asked[i] ?? 0) / 100)),
              })}
        </StateChip>
      );
    }
    case 'settled':
      return <StateChip state="settled">{t('state.settled')}</StateChip>;
    default:
      return <StateChip state="settled">{t('state.acknowledged', { total: number(told.total) })}</StateChip>;
  }
}

interface ConflictProps {
  mine: Shares;
  theirs: Shares;
  effect: Shares;
  versions: readonly string[];
  onTheirs: () => void;
  onMine: () => void;
}

/** The object changed underneath: three values, and which of them to go on from. */
function Conflict({ mine, theirs, effect, versions, onTheirs, onMine }: ConflictProps) {
  const t = useCanaryTexts();
  return (
    <div className="cn-conflict">
      <Banner tone="failing" lead={t('conflict.title')}>
        {t('conflict.text')}
      </Banner>
      <div className="three">
        {(
          [
            ['conflict.mine', mine],
            ['conflict.theirs', theirs],
            ['effect', effect],
          ] as const
        ).map(([key, shares]) => (
          <div key={key}>
            {t(key)}
            <b>{shares.join(' / ')}</b>
          </div>
        ))}
      </div>
      <p className="dim">{versions.join(' / ')}</p>
      <div className="ph-act">
        <Button variant="secondary" size="sm" onClick={onTheirs}>
          {t('conflict.start')}
        </Button>
        <Button variant="secondary" size="sm" onClick={onMine}>
          {t('conflict.keep')}
        </Button>
      </div>
    </div>
  );
}

/** Why there is no slider, and where that stands. */
function Refused({ refusal, service, form }: { refusal: CanaryRefusal | undefined; service: string; form: SplitForm }) {
  const t = useCanaryTexts();
  const ref = refusal?.ref;
  const params = { service, path: refusal?.path ?? '', ...refusal?.params };
  return (
    <section className={frameOf[form]}>
      <Title form={form}>{t('title')}</Title>
      <p className="cn-refused">
        {(refusal && t.maybe(`refused.${refusal.code}`, params)) ?? t('refused.other', params)}
        {ref && (
          <>
            {' '}
            <Link
              to="/rules/$kind/$namespace/$name"
              params={{ kind: ref.kind, namespace: ref.namespace ?? '', name: ref.name }}
            >
              {ref.kind} {ref.name}
            </Link>
            {refusal.path && <span className="mono"> {refusal.path}</span>}
          </>
        )}
      </p>
    </section>
  );
}
