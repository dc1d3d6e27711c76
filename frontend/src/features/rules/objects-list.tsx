import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { LiveObject } from '../../api/generated/types.gen';
import { useSelected, useTopic, useTopicStatus } from '../../api/live/use-live';
import { useDraftNames } from '../../lib/drafts';
import { age } from '../../lib/format';
import { addressOf, fullName } from '../../lib/kinds';
import { inScope } from '../../lib/scope';
import type { Column } from '../../ui/data-table';
import { SeverityGlyph } from '../../ui/glyph';
import { List } from '../../ui/list';
import { SaveTable } from '../../ui/save-csv';
import { Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { useScope } from '../../ui/use-scope';
import { csvColumns } from './csv-columns';
import { draftName } from './draft-names';
import { KindGlyph } from './kind-glyph';
import { kindsOf, type RuleFilter, rowsOf, stateRank, states } from './rows';
import { StateGlyph } from './state-glyph';
import { useRulesTexts } from './texts';

/** What the address says about the list. */
export interface ListSearch extends RuleFilter {
  readonly sort?: string;
}

const listed = (objects: ReadonlyMap<string, LiveObject>): LiveObject[] => [...objects.values()];

/** All objects that are looked at, before any filter of this page. */
export function useObjects() {
  const topic = useTopic('objects');
  const scope = useScope();
  const all = useSelected(topic, listed).filter((o) => inScope(scope, o.ref.namespace));
  return { all, status: useTopicStatus(topic) };
}

/** The columns; beside an editor there is room for the first only. */
function useColumns(compact: boolean): Column<LiveObject>[] {
  const t = useRulesTexts();
  const now = useNow();
  const edited = useDraftNames();
  return [
    {
      id: 'state',
      title: t('col.state'),
      align: 'glyph',
      by: (o) => stateRank(o.state),
      cell: (o) => <StateGlyph state={o.state} />,
    },
    {
      id: 'object',
      title: t('col.object'),
      by: (o) => o.ref.name,
      cell: (o) => (
        <span className="ru-ob">
          <KindGlyph kind={o.ref.kind} />
          <Link
            to="/rules/$kind/$namespace/$name"
            params={addressOf(o.ref)}
            search={(old) => ({ ...old, at: undefined })}
            aria-label={fullName(o.ref)}
          >
            {o.ref.name}
          </Link>
          {o.notSupported && <span className="tag">{t('notSupported')}</span>}
        </span>
      ),
    },
    { id: 'kind', title: t('col.kind'), by: (o) => o.ref.kind, cell: (o) => o.ref.kind },
    { id: 'namespace', title: t('col.namespace'), by: (o) => o.ref.namespace ?? '', cell: (o) => o.ref.namespace },
    ...(compact
      ? []
      : ([
          {
            id: 'acts',
            title: t('col.actsOn'),
            by: (o) => o.services?.length ?? 0,
            cell: (o) => <ActsOn object={o} />,
          },
          {
            id: 'findings',
            title: t('col.findings'),
            by: (o) => o.findings.error * 1e6 + o.findings.warning * 1e3 + o.findings.info,
            cell: (o) => <Counts of={o.findings} />,
          },
        ] satisfies Column<LiveObject>[])),
    {
      id: 'changed',
      title: t('col.changed'),
      align: 'number',
      by: (o) => (o.changed ? Date.parse(o.changed.at) : 0),
      cell: (o) => {
        if (edited.has(draftName(o.ref))) {
          return <span className="warn">{t('unsaved')}</span>;
        }
        if (!o.changed) {
          return '–';
        }
        const since = age(o.changed.at, now, t.language);
        return compact || !o.changed.actor ? since : t('changed.by', { age: since, actor: o.changed.actor });
      },
    },
  ];
}

/** Saves the objects that are listed. */
export function SaveObjects() {
  const search = useSearch({ strict: false }) as ListSearch;
  const scope = useScope();
  const { all } = useObjects();
  const columns = useColumns(false);
  return (
    <SaveTable name="rules" csv={csvColumns} table={{ columns, rows: rowsOf(all, search, scope), sort: search.sort }} />
  );
}

interface ObjectsListProps {
  /** Beside an editor there is less room. */
  compact?: boolean;
  selected?: { kind: string; namespace: string; name: string } | undefined;
}

export function ObjectsList({ compact = false, selected }: ObjectsListProps) {
  const t = useRulesTexts();
  const search = useSearch({ strict: false }) as ListSearch;
  const navigate = useNavigate();
  const scope = useScope();
  const { all, status } = useObjects();
  const rows = rowsOf(all, search, scope);
  const put = (change: ListSearch) =>
    void navigate({ to: '.', search: (old: object) => ({ ...old, ...change }), replace: true });
  const columns = useColumns(compact);

  if (status.state === 'error') {
    return <Failed title={t('failed')} error={status} />;
  }
  if (status.state === 'loading') {
    return <Loading lines={8} />;
  }
  if (all.length === 0) {
    return <Empty title={t('none.title')}>{t('none.text')}</Empty>;
  }
  return (
    <List
      compact
      find={{ label: t('find'), example: t('find.example'), value: search.q }}
      onFind={(q) => put({ q })}
      filters={[
        {
          label: t('col.kind'),
          value: search.kind,
          options: [{ value: '', text: t('kind.any') }, ...kindsOf(all).map((k) => ({ value: k, text: k }))],
          onPick: (kind) => put({ kind }),
        },
        {
          label: t('col.state'),
          value: search.state,
          options: [
            { value: '', text: t('state.any') },
            { value: 'wrong', text: t('state.wrong') },
            ...states.map((s) => ({ value: s, text: t(`state.${s}`) })),
          ],
          onPick: (state) => put({ state }),
        },
      ]}
      table={{
        label: t('title'),
        columns,
        rows,
        rowKey: (o) => draftName(o.ref),
        sort: search.sort,
        onSort: (sort) => put({ sort }),
        selected: selected && `rule ${selected.kind}/${selected.namespace}/${selected.name}`,
        onSelect: (o) =>
          void navigate({
            to: '/rules/$kind/$namespace/$name',
            params: addressOf(o.ref),
            search: (old: object) => ({ ...old, at: undefined }),
          }),
      }}
      noMatch={{ title: t('noMatch.title'), action: t('noMatch.action') }}
      onShowAll={() => put({ q: undefined, kind: undefined, state: undefined })}
    />
  );
}

/** What an object acts on, in as many words as there is room for. */
export function ActsOn({ object }: { object: LiveObject }) {
  const t = useRulesTexts();
  if (object.scope === 'mesh') {
    return t('acts.mesh');
  }
  if (object.scope === 'namespace') {
    return t('acts.namespace', { namespace: object.ref.namespace ?? '' });
  }
  const names = object.services?.length ? object.services : (object.hosts ?? []);
  if (names.length === 0) {
    return <span className="dim">{t('acts.nothing')}</span>;
  }
  const first = names.slice(0, 3).join(', ');
  return (
    <span className={object.services?.length ? undefined : 'dim'}>
      {names.length > 3 ? t('acts.more', { list: first, count: names.length - 3 }) : first}
    </span>
  );
}

function Counts({ of: { error, warning, info } }: { of: LiveObject['findings'] }) {
  return (
    <span className="ru-n num">
      {error > 0 && (
        <span>
          <SeverityGlyph severity="error" size={12} /> {error}
        </span>
      )}
      {warning > 0 && (
        <span>
          <SeverityGlyph severity="warning" size={12} /> {warning}
        </span>
      )}
      {info > 0 && (
        <span className="dim">
          <SeverityGlyph severity="info" size={12} /> {info}
        </span>
      )}
    </span>
  );
}
