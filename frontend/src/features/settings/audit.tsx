import { Button } from '@patternfly/react-core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { auditInfiniteOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { AuthEntry } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { instant } from '../../lib/format';
import { type Column, DataTable } from '../../ui/data-table';
import { FilterField } from '../../ui/filter-field';
import { Sheet } from '../../ui/page';
import { Empty, Failed, Loading } from '../../ui/states';
import { useSettingsTexts } from './texts';

/** Who did what, when, from where, and with which outcome. */
export function Audit() {
  const t = useSettingsTexts();
  const { user } = useSearch({ strict: false }) as { user?: string };
  const navigate = useNavigate();
  const audit = useInfiniteQuery({
    ...auditInfiniteOptions({ query: { limit: 50, ...(user ? { user } : {}) } }),
    initialPageParam: {},
    getNextPageParam: (last) => (last.next === undefined ? undefined : { query: { before: last.next } }),
  });
  const now = Date.now();
  const entries = (audit.data?.pages ?? []).flatMap((page) => page.items ?? []);
  const columns: Column<AuthEntry>[] = [
    { id: 'at', title: t('col.at'), cell: (e) => <span className="num">{instant(e.at, now)}</span> },
    { id: 'actor', title: t('col.actor'), cell: (e) => e.actor },
    {
      id: 'from',
      title: t('col.from'),
      cell: (e) => (
        <>
          {t.maybe(`via.${e.via}`) ?? e.via} {e.address && <span className="mono dim">{e.address}</span>}
        </>
      ),
    },
    {
      id: 'action',
      title: t('col.action'),
      cell: (e) => t.maybe(`action.${e.action}`) ?? <span className="mono">{e.action}</span>,
    },
    {
      id: 'target',
      title: t('col.target'),
      fill: true,
      cell: (e) => (
        <span data-ellipsis title={[e.target, e.detail].filter(Boolean).join('\n')}>
          {e.target} {e.detail && <span className="dim">{e.detail}</span>}
        </span>
      ),
    },
    {
      id: 'outcome',
      title: t('col.outcome'),
      cell: (e) => (
        <span className={e.outcome === 'ok' ? undefined : 'k-degraded'}>
          {t.maybe(`outcome.${e.outcome}`) ?? e.outcome}
        </span>
      ),
    },
  ];
  return (
    <Sheet title={t('audit')}>
      <div className="se-find">
        <FilterField
          label={t('audit.user')}
          value={user ?? ''}
          onChange={(name) =>
            void navigate({ to: '.', search: (old: object) => ({ ...old, user: name || undefined }), replace: true })
          }
        />
      </div>
      {audit.isPending ? (
        <Loading lines={6} />
      ) : audit.isError ? (
        <Failed title={t('audit.failed')} error={asProblem(audit.error)} retry={() => void audit.refetch()} />
      ) : entries.length === 0 ? (
        <div className="se-empty">
          <Empty title={t('audit.none')} />
        </div>
      ) : (
        <DataTable label={t('audit')} columns={columns} rows={entries} rowKey={(e) => String(e.id)} />
      )}
      {audit.hasNextPage && (
        <div className="se-more">
          <Button variant="link" size="sm" isInline onClick={() => void audit.fetchNextPage()}>
            {t('audit.older')}
          </Button>
        </div>
      )}
    </Sheet>
  );
}
