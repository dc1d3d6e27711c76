import { Button } from '@patternfly/react-core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { ChangesOutputBody, HistoryChange } from '../../api/generated/types.gen';
import type { LiveEvent } from '../../api/live/protocol';
import { useEvents, useTopic } from '../../api/live/use-live';
import { asProblem } from '../../api/problem';
import { request } from '../../api/request';
import { useMayWrite } from '../../api/rights';
import { changeAddress, ruleAddress } from '../../lib/addresses';
import type { CsvColumn } from '../../lib/csv';
import { instant } from '../../lib/format';
import { fullName } from '../../lib/kinds';
import { changeInScope } from '../../lib/scope';
import { UndoButton } from '../../parts/undo/undo-button';
import { undoRefs } from '../../parts/undo/undo-entries';
import { useChangeWords } from '../../ui/change-words';
import type { Column, DataTableProps } from '../../ui/data-table';
import { List } from '../../ui/list';
import { PageHead } from '../../ui/page';
import { SaveTable } from '../../ui/save-csv';
import { Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { useScope } from '../../ui/use-scope';
import './changes.css';
import { type ChangesFilter, isFound, origins } from './rows';
import { useChangesTexts } from './texts';

interface ChangesSearch extends ChangesFilter {
  readonly sort?: string;
}

/** How many changes one answer brings. */
const page = 50;
/** How many names of a change a cell holds. */
const most = 2;

/** The history: every change that was accepted, who made it, and its own undo. */
export function ChangesPage() {
  const t = useChangesTexts();
  const words = useChangeWords();
  const now = useNow();
  const scope = useScope();
  const mayWrite = useMayWrite();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as ChangesSearch;
  const query = useChanges(search.via);
  const put = (change: { [K in keyof ChangesSearch]?: string | undefined }) =>
    void navigate({ to: '.', search: (old: object) => ({ ...old, ...change }), replace: true });

  const all = (query.data?.pages ?? []).flatMap((p) => p.items ?? []);
  const here = all.filter((change) => changeInScope(scope, change));
  const rows = here.filter((change) => isFound(change, words.summary(change.summary), search.q));
  const older = query.hasNextPage && (
    <div className="cl-older">
      <span className="dim">{t('list.read', { count: all.length })}</span>
      <Button
        variant="secondary"
        size="sm"
        isDisabled={query.isFetchingNextPage}
        onClick={() => void query.fetchNextPage()}
      >
        {t('list.older')}
      </Button>
    </div>
  );

  const columns: Column<HistoryChange>[] = [
    {
      id: 'at',
      title: t('col.at'),
      by: (c) => c.at,
      cell: (c) => <time dateTime={c.at}>{instant(c.at, now)}</time>,
    },
    {
      id: 'what',
      title: t('col.what'),
      by: (c) => words.summary(c.summary),
      fill: true,
      cell: (c) => (
        <Link to={changeAddress(c.id)} className="cut" data-ellipsis title={words.summary(c.summary)}>
          {words.summary(c.summary)}
        </Link>
      ),
    },
    {
      id: 'services',
      title: t('col.services'),
      cell: (c) => <Few names={(c.services ?? []).map((name) => ({ name, text: name.replace(/^.*\//, '') }))} />,
    },
    {
      id: 'objects',
      title: t('col.objects'),
      cell: (c) => (
        <Few
          names={(c.entries ?? []).map(({ ref, op }) => ({
            name: fullName(ref),
            text: ref.name,
            ...(op === 'delete' ? {} : { to: ruleAddress(ref) }),
          }))}
        />
      ),
    },
    { id: 'who', title: t('col.who'), by: (c) => c.actor, cell: (c) => words.who(c.actor, c.via) },
    {
      id: 'undo',
      title: t('col.undo'),
      cell: (c) =>
        c.undoneBy ? (
          <Link to={changeAddress(c.undoneBy)}>{t('list.undone')}</Link>
        ) : (
          mayWrite(undoRefs(c)) && (
            <UndoButton
              change={c}
              label={t('list.undo')}
              what={t('list.undo.of', { what: words.summary(c.summary) })}
              onUndone={(by) => by && void navigate({ to: changeAddress(by.id) })}
            />
          )
        ),
    },
  ];

  const table: DataTableProps<HistoryChange> = {
    label: t('list'),
    columns,
    rows,
    rowKey: (c) => c.id,
    sort: search.sort,
    onSort: (sort) => put({ sort }),
  };
  const csv: CsvColumn<HistoryChange>[] = [
    { head: 'id', of: (c) => c.id },
    { head: 'at', of: (c) => c.at },
    { head: 'change', of: (c) => words.summary(c.summary) },
    { head: 'actor', of: (c) => c.actor },
    { head: 'via', of: (c) => c.via },
    { head: 'objects', of: (c) => (c.entries ?? []).map(({ ref }) => fullName(ref)).join('\n') },
    { head: 'services', of: (c) => (c.services ?? []).join(' ') },
    { head: 'undoneBy', of: (c) => c.undoneBy },
  ];

  return (
    <div className="page">
      <PageHead
        crumb={<Link to="/rules">{t('rules')}</Link>}
        title={t('list')}
        facts={<span>{t('list.facts')}</span>}
        actions={<SaveTable name="changes" csv={csv} table={table} />}
      />
      {query.isError ? (
        <Failed title={t('list.failed')} error={asProblem(query.error)} retry={() => void query.refetch()} />
      ) : query.isPending ? (
        <Loading lines={8} />
      ) : all.length === 0 && !search.via ? (
        <Empty title={t('list.none')}>{t('list.none.text')}</Empty>
      ) : (
        <>
          <List
            find={{ label: t('list.find'), example: t('list.find.example'), value: search.q }}
            onFind={(q) => put({ q })}
            filters={[
              {
                label: t('list.via'),
                value: search.via,
                options: [
                  { value: '', text: t('list.via.any') },
                  ...origins.map((via) => ({ value: via, text: words.via(via) })),
                ],
                onPick: (via) => put({ via }),
              },
            ]}
            table={table}
            noMatch={{
              title: t('list.noMatch'),
              text: t('list.noMatch.text', { count: all.length }),
              action: t('list.noMatch.action'),
            }}
            onShowAll={() => put({ q: undefined, via: undefined, ns: undefined } as never)}
          />
          {older}
        </>
      )}
    </div>
  );
}

/** The changes from one origin or from all, page by page, the newest first; asked for anew at each change. */
function useChanges(via: string | undefined) {
  const client = useQueryClient();
  const queryKey = ['changes', 'list', via ?? ''];
  const query = useInfiniteQuery({
    queryKey,
    initialPageParam: '',
    queryFn: ({ signal, pageParam }) =>
      request<ChangesOutputBody>(
        `/api/v1/changes?${new URLSearchParams({ limit: String(page), ...(pageParam ? { before: pageParam } : {}), ...(via ? { via } : {}) })}`,
        { signal },
      ),
    getNextPageParam: (last) => last.next || undefined,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is made of via
  const again = useCallback(() => void client.invalidateQueries({ queryKey }), [client, via]);
  const each = useCallback((event: LiveEvent) => event.type === 'change' && again(), [again]);
  useEvents(useTopic('events'), each, again);
  return query;
}

interface Name {
  readonly name: string;
  readonly text: string;
  readonly to?: string;
}

/** The first few names, and how many more there are. */
function Few({ names }: { names: readonly Name[] }) {
  const t = useChangesTexts();
  const more = names.length - most;
  return (
    <>
      {names.slice(0, most).map(({ name, text, to }, i) => (
        <span key={name} title={name}>
          {i > 0 && ', '}
          {to ? (
            <Link to={to} className="plain">
              {text}
            </Link>
          ) : (
            text
          )}
        </span>
      ))}
      {more > 0 && (
        <span
          className="dim"
          title={names
            .slice(most)
            .map((n) => n.name)
            .join(', ')}
        >
          {' '}
          {t('list.more', { count: more })}
        </span>
      )}
    </>
  );
}
