import { Button } from '@patternfly/react-core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { ChevronRight, WandSparkles } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useFixes } from '../../api/fixes';
import type { Fix, MeshFinding, PreviewEntry } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { useMayWrite } from '../../api/rights';
import { findingMessage, useFindingCatalogue } from '../../i18n/findings';
import { changeAddress } from '../../lib/addresses';
import { fullName } from '../../lib/kinds';
import { objectAddress } from '../../lib/object-address';
import { PreviewDrawer } from '../../parts/preview/preview-drawer';
import type { Column, DataTableProps } from '../../ui/data-table';
import { FindingText } from '../../ui/finding-text';
import { SeverityGlyph } from '../../ui/glyph';
import { List } from '../../ui/list';
import { ObjectLink } from '../../ui/object-link';
import { PageHead } from '../../ui/page';
import { SaveTable } from '../../ui/save-csv';
import { Empty, Failed, Loading } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import { useOtherFixLabel } from '../../ui/yaml/fix-label';
import { csvColumns } from './csv-columns';
import './findings.css';
import { type FindingFilter, isFound, place, type Row, rowsOf, severities, severityOf, tally } from './rows';
import { useFindingsTexts } from './texts';

interface FindingsSearch extends FindingFilter {
  readonly sort?: string;
  /** The finding that is explained. */
  readonly open?: string;
}

/** Everything that is wrong or will be: what, why, and what to do about it. */
export function FindingsPage() {
  const t = useFindingsTexts();
  const search = useSearch({ strict: false }) as FindingsSearch;
  const navigate = useNavigate();
  const topic = useTopic('findings');
  const status = useTopicStatus(topic);
  const catalogue = useFindingCatalogue();
  const all = rowsOf(useElements<MeshFinding>(topic), useScope());
  const text = (row: Row) => findingMessage(row.finding, catalogue);
  const rows = all.filter((row) => isFound(row, text(row), search));
  const put = (change: { [K in keyof FindingsSearch]?: string | undefined }) =>
    void navigate({ to: '.', search: (old: object) => ({ ...old, ...change }), replace: true });

  const columns: Column<Row>[] = [
    {
      id: 'severity',
      title: t('col.severity'),
      align: 'glyph',
      cell: ({ finding }) => <SeverityGlyph severity={severityOf(finding)} />,
    },
    {
      id: 'what',
      title: t('col.what'),
      by: text,
      fill: true,
      cell: (row) => (
        <button
          type="button"
          className="fi-what"
          aria-expanded={search.open === row.id}
          onClick={() => put({ open: search.open === row.id ? undefined : row.id })}
        >
          <ChevronRight size={13} strokeWidth={1.7} aria-hidden />
          <span className="cut" data-ellipsis>
            <FindingText finding={row.finding} />
          </span>
        </button>
      ),
    },
    {
      id: 'object',
      title: t('col.object'),
      by: ({ finding }) => fullName(finding.ref),
      cell: ({ finding: { ref, path } }) => (
        <>
          <span className="dim">{ref.kind}</span>{' '}
          <ObjectLink to={ref} at={path}>
            {ref.name}
          </ObjectLink>
        </>
      ),
    },
    {
      id: 'namespace',
      title: t('col.namespace'),
      by: ({ finding }) => finding.ref.namespace ?? '',
      cell: ({ finding }) => finding.ref.namespace || <span className="dim">{t('namespace.mesh')}</span>,
    },
    {
      id: 'place',
      title: t('col.place'),
      by: ({ finding }) => place(finding),
      cell: ({ finding }) => (
        <span className="mono dim" title={finding.file}>
          {place(finding)}
        </span>
      ),
    },
    {
      id: 'code',
      title: t('col.code'),
      by: ({ finding }) => finding.code,
      cell: ({ finding }) => <span className="mono">{finding.code}</span>,
    },
  ];

  const table: DataTableProps<Row> = {
    label: t('title'),
    columns,
    rows,
    rowKey: (r) => r.id,
    sort: search.sort,
    onSort: (sort) => put({ sort }),
    selected: search.open,
    detail: (row) => search.open === row.id && <Explained finding={row.finding} />,
  };

  return (
    <div className="page">
      <PageHead
        title={t('title')}
        facts={status.state === 'ready' && <Facts rows={all} />}
        actions={<SaveTable name="findings" csv={csvColumns(text)} table={table} />}
      />
      {status.state === 'error' ? (
        <Failed title={t('failed')} error={status} />
      ) : status.state === 'loading' ? (
        <Loading lines={8} />
      ) : all.length === 0 ? (
        <Empty title={t('empty.title')}>{t('empty.text')}</Empty>
      ) : (
        <List
          find={{ label: t('find'), example: t('find.example'), value: search.q }}
          onFind={(q) => put({ q })}
          filters={[
            {
              label: t('severity'),
              value: search.severity,
              options: [
                { value: '', text: t('severity.any') },
                { value: 'serious', text: t('severity.serious') },
                ...severities.map((s) => ({ value: s, text: t(`severity.${s}`) })),
              ],
              onPick: (severity) => put({ severity }),
            },
          ]}
          table={table}
          noMatch={{
            title: t('noMatch.title'),
            text: t('noMatch.text', { count: all.length }),
            action: t('noMatch.action'),
          }}
          onShowAll={() => put({ q: undefined, severity: undefined })}
        />
      )}
    </div>
  );
}

function Facts({ rows }: { rows: readonly Row[] }) {
  const t = useFindingsTexts();
  const counts = tally(rows);
  if (rows.length === 0) {
    return <span>{t('facts.none')}</span>;
  }
  return (
    <>
      {counts.error > 0 && <span className="k-failing">{t('facts.error', { count: counts.error })}</span>}
      {counts.warning > 0 && <span className="k-degraded">{t('facts.warning', { count: counts.warning })}</span>}
      {counts.info > 0 && <span>{t('facts.info', { count: counts.info })}</span>}
    </>
  );
}

/** Why a finding matters, what to do, and where. */
function Explained({ finding }: { finding: MeshFinding }) {
  const t = useFindingsTexts();
  const words = useFindingCatalogue()?.[finding.code];
  const address = objectAddress(finding.ref, finding.path);
  const related = finding.related ?? [];
  return (
    <div className="fi-more">
      <dl>
        {words && (
          <>
            <dt>{t('why')}</dt>
            <dd>{words.why}</dd>
            <dt>{t('fix')}</dt>
            <dd>{words.fix}</dd>
          </>
        )}
        {related.length > 0 && (
          <>
            <dt>{t('related')}</dt>
            <dd>
              <ul className="fi-list">
                {related.map((ref) => (
                  <li key={fullName(ref)}>
                    <ObjectLink to={ref} />
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
        {(finding.path || finding.file) && (
          <>
            <dt>{t('where')}</dt>
            <dd className="mono">
              {[finding.path, finding.file && `${finding.file}:${finding.line ?? 1}`].filter(Boolean).join(' · ')}
            </dd>
          </>
        )}
      </dl>
      {address && (
        <div className="fi-ways">
          <Ways finding={finding} />
          <Button variant="secondary" size="sm" component={(props) => <Link {...props} to={address} />}>
            {t('edit')}
          </Button>
        </div>
      )}
    </div>
  );
}

const shown = (fix: Fix, may: ReturnType<typeof useMayWrite>): fix is Fix & { entry: PreviewEntry } =>
  fix.entry !== undefined && may([fix.ref]);

/** The ways to mend a finding of the mesh; what each would do is seen before it is written. */
function Ways({ finding }: { finding: MeshFinding }) {
  const navigate = useNavigate();
  const label = useOtherFixLabel();
  const may = useMayWrite();
  const [entry, setEntry] = useState<PreviewEntry>();
  const entries = useMemo(() => (entry ? [entry] : []), [entry]);
  const { code, ref, path, phase } = finding;
  const fixes = useFixes(phase === 'check' ? { code, ref, ...(path ? { path } : {}) } : undefined) ?? [];
  const ways = fixes.filter((fix) => shown(fix, may));
  return (
    <>
      {ways.map((fix) => (
        <Button
          key={`${fix.does} ${fullName(fix.ref)}`}
          variant="secondary"
          size="sm"
          icon={<WandSparkles size={13} strokeWidth={1.7} aria-hidden />}
          onClick={() => setEntry(fix.entry)}
        >
          {label(fix)}
        </Button>
      ))}
      {entry && (
        <PreviewDrawer
          entries={entries}
          onApplied={(change) => {
            setEntry(undefined);
            if (change) {
              void navigate({ to: changeAddress(change.id) });
            }
          }}
          onClose={() => setEntry(undefined)}
        />
      )}
    </>
  );
}
