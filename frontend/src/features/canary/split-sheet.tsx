import { Button } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode, useEffect, useRef, useState } from 'react';
import type { CanaryCandidate, CanaryTold } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { useCan } from '../../api/session-store';
import { clock, count } from '../../lib/format';
import { PreviewDrawer } from '../../parts/preview/preview-drawer';
import { UndoButton } from '../../parts/undo/undo-button';
import { Banner, Failed, Loading, NoRights } from '../../ui/states';
import './canary.css';
import { Conflict } from './conflict';
import { Refused } from './refused';
import { RuleChoice } from './rule-choice';
import { ShareSlider } from './share-slider';
import { ShareTable } from './share-table';
import { type ServiceName, useSplitDraft } from './split-drafts';
import { sameShares, setShare } from './split-math';
import { SplitState } from './state-chip';
import { useCanaryTexts } from './texts';
import { type ChoiceAddress, list, stablePlace, useSplit, useSplitEntries, useStanding } from './use-split';

const quick = [0, 5, 20, 50, 100];

/** Where the slider stands: a sheet of a page, within a panel, or at a card. */
export type SplitForm = 'page' | 'panel' | 'card';

interface SplitSheetProps {
  namespace: string;
  name: string;
  form?: SplitForm;
  /** Where the page's address keeps which rule and which stable version are looked at. */
  address?: ChoiceAddress;
}

const frameOf: Record<SplitForm, string> = { page: 'sheet cn', panel: 'cn cn-panel', card: 'cn cn-card' };

/** The canary slider of one service: asked, in effect and measured, a preview of each move, and Apply. */
export function SplitSheet({ namespace, name, form = 'page', address }: SplitSheetProps) {
  const t = useCanaryTexts();
  const { query, candidates, candidate, choose, ...split } = useSplit({ namespace, name }, address);
  const rules = <RuleChoice candidates={candidates} candidate={candidate} choose={choose} />;
  if (candidate) {
    return (
      <Split
        // Another rule is another question: no draft goes along.
        key={candidate.id}
        form={form}
        service={{ namespace, name }}
        candidate={candidate}
        rules={rules}
        {...split}
      />
    );
  }
  return (
    <section className={frameOf[form]}>
      <Title form={form}>{t('title')}</Title>
      {query.error ? (
        <Failed error={asProblem(query.error)} retry={() => void query.refetch()} />
      ) : query.data ? (
        <>
          {rules}
          <Refused refusal={query.data.refused} service={name} />
        </>
      ) : (
        <Loading lines={5} />
      )}
    </section>
  );
}

/** In the panel the name of the service is above it. */
function Title({ form, children }: { form: SplitForm; children: ReactNode }) {
  return form === 'panel' ? <h3 className="cn-h">{children}</h3> : <h2 className="cn-h">{children}</h2>;
}

const keys = (...caps: string[]): ReactNode =>
  caps.map((cap, i) => (
    <Fragment key={cap}>
      {i > 0 && ' '}
      <kbd>{cap}</kbd>
    </Fragment>
  ));

interface SplitProps {
  form: SplitForm;
  service: ServiceName;
  candidate: CanaryCandidate;
  rules: ReactNode;
  versions: readonly string[];
  newest: number;
  told: CanaryTold | undefined;
  stable: string | undefined;
  chooseStable: (version: string) => void;
  again: () => void;
}

function Split({
  form,
  service,
  candidate,
  rules,
  versions,
  newest,
  told,
  chooseStable,
  again,
  ...chosen
}: SplitProps) {
  const t = useCanaryTexts();
  const may = useCan('editTraffic');
  const [draft, setDraft] = useSplitDraft(service, candidate.id, versions);
  const { standing, waiting, untold, change, write, takeBack } = useStanding(service, candidate, versions, told);
  const effect = told ? list(versions, told.effect) : standing;
  const asked = draft?.shares ?? standing;
  const changed = draft !== undefined && !sameShares(draft.shares, standing);
  const conflict = changed && !sameShares(draft.base, standing);
  const stable = stablePlace(versions, chosen.stable, effect);
  const counted = told && told.n > 0 ? versions.map((v) => told.measured[v]?.pct ?? 0) : undefined;

  const ask = (shares: number[]) => setDraft((old) => ({ base: standing, ...old, shares, closed: false }));
  const close = (closed: boolean) => setDraft((old) => old && { ...old, closed });
  const discard = () => setDraft(undefined);
  // A draft that says what stands is none: the next change of others is no conflict with it.
  const spent = draft !== undefined && !changed;
  useEffect(() => {
    if (spent) {
      setDraft(undefined);
    }
  }, [spent, setDraft]);

  const wanted = changed && !conflict ? draft.shares : undefined;
  const proposal = useSplitEntries(service, candidate, versions, wanted);
  // The preview takes room from the slider: it opens once the handle is let go.
  const [held, setHeld] = useState(false);
  const opened = useRef(false);
  const previewed =
    wanted !== undefined && draft?.closed === false && proposal.entries.length > 0 && (!held || opened.current);
  useEffect(() => {
    opened.current = previewed;
  }, [previewed]);

  return (
    <section className={frameOf[form]}>
      <Title form={form}>
        {t('title')}
        <SplitState
          draft={changed}
          conflict={conflict}
          waiting={waiting || untold}
          told={told}
          versions={versions}
          asked={standing}
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
      {rules}
      {(conflict || (changed && draft.opened)) && (
        <Conflict
          candidate={candidate}
          opened={draft.opened ?? draft.base}
          theirs={standing}
          mine={draft.shares}
          versions={versions}
          onTheirs={conflict ? discard : undefined}
          onMerge={
            conflict ? () => setDraft({ ...draft, opened: draft.opened ?? draft.base, base: standing }) : undefined
          }
        />
      )}
      <ShareSlider
        versions={versions}
        asked={asked}
        effect={effect}
        measured={counted}
        allRoutes={told?.allRoutes ?? false}
        {...(may ? { onAsk: ask, onReset: changed ? discard : undefined, onHold: setHeld } : {})}
      />
      <ShareTable
        versions={versions}
        asked={asked}
        effect={effect}
        told={told}
        stable={stable}
        onStable={(i) => chooseStable(versions[i] ?? '')}
        {...(may ? { onAsk: ask } : {})}
      />
      <div className="cn-foot dim">
        {!may ? (
          <NoRights />
        ) : form === 'card' ? null : (
          <p>
            {t.rich(
              'keys',
              { arrows: keys('←', '→'), pages: keys('PgUp', 'PgDn'), ends: keys('Home', 'End'), back: keys('Esc') },
              { stable: versions[stable] ?? '' },
            )}
          </p>
        )}
        <p className="num">
          {told && told.n > 0
            ? t('counted', { count: told.n, n: count(told.n), time: clock(told.since) })
            : t('notCounted')}
          {told?.allRoutes && ` ${t('allRoutes')}`}
        </p>
      </div>
      {changed && draft.closed && (
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
          {asProblem(proposal.error).detail}
        </Banner>
      )}
      {change && !changed && (
        <div className="cn-act" role="status">
          <span>{t('applied', { time: clock(change.at) })}</span>
          <Link to="/changes/$id" params={{ id: change.id }}>
            {t('follow')}
          </Link>
          <UndoButton
            change={change}
            onUndone={() => {
              takeBack();
              again();
            }}
          />
        </div>
      )}
      {previewed && (
        <PreviewDrawer
          entries={proposal.entries}
          behind={proposal.behind}
          onApplied={(by) => {
            write(by, wanted);
            discard();
            again();
          }}
          onClose={() => close(true)}
          onDiscard={discard}
          undoNote={t('undo', { shares: standing.join(' / ') })}
        />
      )}
    </section>
  );
}
