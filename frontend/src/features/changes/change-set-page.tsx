import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import type {
  CanaryTold,
  DeliverySummary,
  HistoryChange,
  LiveDelivery,
  LiveObject,
} from '../../api/generated/types.gen';
import { objectId } from '../../api/live/object-id';
import { useElement, useElements, useTopic } from '../../api/live/use-live';
import { asProblem } from '../../api/problem';
import { path, request } from '../../api/request';
import { useMayWrite } from '../../api/rights';
import { changeAddress } from '../../lib/addresses';
import { clock, duration, instant, plain, share } from '../../lib/format';
import { Written } from '../../parts/preview/written';
import { UndoButton } from '../../parts/undo/undo-button';
import { undoRefs } from '../../parts/undo/undo-entries';
import { useChangeWords } from '../../ui/change-words';
import { PageHead } from '../../ui/page';
import { Failed, Loading, NoRights, StateChip } from '../../ui/states';
import { Acknowledgements } from './acknowledgements';
import { type Asked, askedOf, versionOf } from './asked';
import './changes.css';
import { Course } from './course';
import { between, progress } from './delivery';
import { type Eye, Loom } from './loom';
import { useChangesTexts } from './texts';

/** One change: what it wrote, which proxies took it, what its traffic does, and Undo. */
export function ChangeSetPage() {
  const t = useChangesTexts();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const query = useQuery({
    queryKey: ['change', id],
    queryFn: ({ signal }) => request<HistoryChange>(path`/api/v1/changes/${id}`, { signal }),
  });
  if (query.isError) {
    const problem = asProblem(query.error);
    return (
      <div className="page">
        <PageHead crumb={<Crumb />} title={t('change', { id })} />
        <div className="body">
          <Failed
            title={problem.status === 404 ? t('unknown') : undefined}
            error={problem}
            retry={() => void query.refetch()}
          />
        </div>
      </div>
    );
  }
  if (!query.data) {
    return (
      <div className="page">
        <PageHead crumb={<Crumb />} title={t('change', { id })} />
        <div className="body">
          <Loading lines={8} />
        </div>
      </div>
    );
  }
  return <ChangeSet key={id} change={query.data} again={() => void query.refetch()} />;
}

function Crumb() {
  const t = useChangesTexts();
  return (
    <>
      <Link to="/rules">{t('rules')}</Link>
      <span aria-hidden="true">/</span>
      <Link to="/changes">{t('history')}</Link>
      <span aria-hidden="true">/</span>
      <span>{t('crumb')}</span>
    </>
  );
}

function ChangeSet({ change, again }: { change: HistoryChange; again: () => void }) {
  const t = useChangesTexts();
  const words = useChangeWords();
  const navigate = useNavigate();
  const mayWrite = useMayWrite();
  const topic = useTopic('delivery', { change: change.id });
  const elements = useElements<LiveDelivery | DeliverySummary>(topic);
  const summary = elements.get('summary') as DeliverySummary | undefined;
  const rows = [...elements].filter(([key]) => key !== 'summary').map(([, row]) => row as LiveDelivery);
  const service = change.services?.[0];
  const asked = askedOf(change);
  const inForce = useInForce(change);
  return (
    <div className="page">
      <PageHead
        crumb={<Crumb />}
        title={words.summary(change.summary)}
        facts={
          <>
            <span>{words.who(change.actor, change.via)}</span>
            <span>{instant(change.at, Date.now())}</span>
            {change.undoneBy && (
              <span>
                {t.rich('undoneBy', {
                  change: <Link to={changeAddress(change.undoneBy)}>{t('change', { id: change.undoneBy })}</Link>,
                })}
              </span>
            )}
            {asked && inForce && <SplitChip asked={asked} />}
          </>
        }
        actions={
          mayWrite(undoRefs(change)) ? (
            <UndoButton
              change={change}
              size="default"
              onUndone={(by) => (by ? void navigate({ to: changeAddress(by.id) }) : again())}
            />
          ) : (
            <NoRights />
          )
        }
      />
      <div className="body">
        {asked && inForce ? (
          <MeasuredLoom change={change} summary={summary} asked={asked} />
        ) : (
          <Loom
            eyes={[
              ...delivered(change, summary, t),
              {
                title: t('eye.measured'),
                text: asked ? t('eye.past') : service ? t('eye.seeCharts') : t('eye.notMeasured'),
                state: 'none',
              },
            ]}
          />
        )}
        <div className="ch">
          <div className="ch-l">
            {summary?.known === false || rows.length > 0 ? (
              <Acknowledgements summary={summary} rows={rows} />
            ) : (
              <section className="sheet">
                <h2>{t('proxies')}</h2>
                <p className="ch-p dim">{t(summary?.known ? 'nobody' : 'forgotten')}</p>
              </section>
            )}
            <section className="sheet ch-w">
              <Written written={change.entries ?? []} />
            </section>
          </div>
          <div className="ch-r">
            {service && <Course service={service} change={change} asked={asked} />}
            <section className="sheet">
              <h2>{t('next')}</h2>
              <ul className="ch-n">
                {asked && <li>{t('next.settled')}</li>}
                <li>{t('next.late')}</li>
                <li>{t('next.undo')}</li>
              </ul>
            </section>
          </div>
        </div>
      </div>
    </div>
  );
}

type Texts = ReturnType<typeof useChangesTexts>;

function delivered(change: HistoryChange, summary: DeliverySummary | undefined, t: Texts): Eye[] {
  const p = progress(summary, false);
  const took = between(summary?.written, summary?.sent);
  const all = between(summary?.written, summary?.last);
  return [
    {
      title: t('eye.written'),
      text: t('eye.writtenAt', { time: clock(change.at, 'millisecond') }),
      state: p.written,
    },
    {
      title: t('eye.sent'),
      text: took === undefined ? t('eye.notSent') : t('eye.sentIn', { time: plain(duration(took)) }),
      state: p.sent,
    },
    {
      title: t('eye.acknowledged'),
      text: !summary?.known
        ? t('eye.unknown')
        : summary.rejected > 0
          ? t('eye.someRejected', {
              count: summary.rejected,
              acknowledged: summary.acknowledged,
              concerned: summary.concerned,
            })
          : summary.pending === 0 && all !== undefined
            ? t('eye.allIn', { count: summary.concerned, time: plain(duration(all)) })
            : t('eye.some', { acknowledged: summary.acknowledged, concerned: summary.concerned }),
      state: p.acknowledged,
      count: summary?.acknowledged,
    },
  ];
}

/** Whether the text that a change wrote is the one that is there now. */
function useInForce(change: HistoryChange): boolean {
  const [first, ...others] = change.entries ?? [];
  const object = useElement<LiveObject>(useTopic('objects'), first ? objectId(first.ref) : '');
  return others.length === 0 && !change.undoneBy && object !== undefined && object.etag === first?.afterEtag;
}

/** How the one route is divided that the change moved. */
const useTold = ({ service, candidate }: Asked) =>
  useElement<CanaryTold>(useTopic('split', { service, candidate }), 'state');

function measuredEye(summary: DeliverySummary | undefined, told: CanaryTold | undefined, asked: Asked, t: Texts): Eye {
  const version = told && versionOf(asked.more, told.asked);
  const measured = version === undefined ? undefined : told?.measured[version];
  return {
    title: t('eye.measured'),
    text:
      told && version !== undefined && measured && told.n > 0
        ? t('eye.takes', {
            version,
            measured: plain(share(measured.pct / 100)),
            asked: plain(share((told.asked[version] ?? 0) / 100)),
          })
        : t('eye.noRequest'),
    state: progress(summary, told?.state === 'settled').measured,
  };
}

function MeasuredLoom({
  change,
  summary,
  asked,
}: {
  change: HistoryChange;
  summary: DeliverySummary | undefined;
  asked: Asked;
}) {
  const t = useChangesTexts();
  const told = useTold(asked);
  return <Loom eyes={[...delivered(change, summary, t), measuredEye(summary, told, asked, t)]} />;
}

function SplitChip({ asked }: { asked: Asked }) {
  const t = useChangesTexts();
  const told = useTold(asked);
  if (!told) {
    return null;
  }
  const state = told.state === 'acknowledged' ? 'settled' : told.state;
  return <StateChip state={state}>{t(`split.${told.state}`)}</StateChip>;
}
