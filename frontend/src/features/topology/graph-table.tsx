import { ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { byteRate, duration, plain, rate, share } from '../../lib/format';
import { HealthGlyph } from '../../ui/glyph';
import { type GraphStore, useGraph, useGraphElements } from './graph-store';
import type { TopologySearch } from './model/address';
import { type ColumnId, columns, edgeRows, nodeRows, type Row, type RowKind, sorted } from './model/rows';
import type { Scene } from './model/scene';
import './graph-table.css';
import { useTopologyTexts } from './texts';
import type { SetSearch } from './topology-page';

const rowHeight = 32;
const numeric: readonly ColumnId[] = ['rate', 'errors', 'p95'];

/** Which rows the address asks for. */
export const rowKind = (search: TopologySearch): RowKind => (search.rows === 'threads' ? 'threads' : 'nodes');

/** The rows of what is shown: filters act on the table as on the picture. */
export function rowsOf(store: GraphStore, kind: RowKind, shown: Scene, sort: string | undefined): Row[] {
  const nodes = new Set(shown.cards.flatMap((card) => (card.kind === 'node' ? [card.node] : card.nodes)));
  const rows =
    kind === 'nodes'
      ? nodeRows(store.nodes().filter((n) => nodes.has(n.id)))
      : edgeRows(
          store.edges().filter((e) => nodes.has(e.source) && nodes.has(e.target)),
          store.node,
        );
  return sorted(rows, sort);
}

interface GraphTableProps {
  shown: Scene;
  search: TopologySearch;
  set: SetSearch;
  onSelect: (id: string) => void;
}

/** The picture as a table; only the rows in view are drawn. */
export function GraphTable({ shown, search, set, onSelect }: GraphTableProps) {
  const t = useTopologyTexts();
  const kind = rowKind(search);
  const store = useGraph();
  const elements = useGraphElements();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the store has are these elements
  const rows = useMemo(() => rowsOf(store, kind, shown, search.sort), [store, elements, kind, shown, search.sort]);
  const scroll = useRef<HTMLElement>(null);
  const { first, last } = useRowsInView(scroll, rows.length);
  const before = first * rowHeight;
  const after = (rows.length - last) * rowHeight;
  const by = search.sort?.replace(/^-/, '') ?? 'state';
  const down = search.sort?.startsWith('-') ?? false;
  const sortBy = (column: ColumnId) => {
    const first = numeric.includes(column) ? `-${column}` : column;
    const other = first === column ? `-${column}` : column;
    set({ sort: search.sort === first || (!search.sort && column === 'state') ? other : first });
  };
  return (
    <div className="tp-table">
      <div className="tp-table-bar">
        <ToggleGroup aria-label={t('table.what')}>
          {(['nodes', 'threads'] as const).map((one) => (
            <ToggleGroupItem
              key={one}
              buttonId={`rows-${one}`}
              text={t(`table.${one}`)}
              isSelected={kind === one}
              onChange={() => set({ rows: one === 'nodes' ? undefined : one, sort: undefined })}
            />
          ))}
        </ToggleGroup>
        <span className="dim num">{rows.length}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard */}
      <section className="tp-table-scroll" ref={scroll} tabIndex={0} aria-label={t(`table.${kind}`)}>
        <table className="tp-rows" aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              {columns[kind].map((column) => (
                <th
                  key={column}
                  scope="col"
                  className={`tp-col-${column}`}
                  aria-sort={by === column ? (down ? 'descending' : 'ascending') : 'none'}
                >
                  <button type="button" onClick={() => sortBy(column)}>
                    {t(`table.${column}`)}
                    <span aria-hidden="true">{by === column ? (down ? '↓' : '↑') : ''}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {before > 0 && <Space height={before} columns={columns[kind].length} />}
            {rows.slice(first, last).map((row, i) => (
              <tr
                key={`${row.id} ${row.protocol}`}
                aria-rowindex={first + i + 2}
                data-row={row.id}
                className={row.id === search.sel ? 'is-selected' : ''}
                onClick={() => onSelect(row.id)}
              >
                {columns[kind].map((column) => (
                  <td key={column} className={`tp-col-${column}`}>
                    <Cell row={row} column={column} onSelect={onSelect} />
                  </td>
                ))}
              </tr>
            ))}
            {after > 0 && <Space height={after} columns={columns[kind].length} />}
          </tbody>
        </table>
      </section>
    </div>
  );
}

/** In place of the rows that are not in view. */
function Space({ height, columns: span }: { height: number; columns: number }) {
  return (
    <tr>
      <td className="tp-rows-space" colSpan={span} style={{ height }} />
    </tr>
  );
}

/** So many rows around those in view are drawn too, in steps of so many. */
const overscan = 20;
/** Until it is known how high the table is. */
const likelyHeight = 800;

/** The rows that are in view, with some around them. All rows are equally high. */
function useRowsInView(scroll: RefObject<HTMLElement | null>, count: number): { first: number; last: number } {
  const [step, setStep] = useState(0);
  const [height, setHeight] = useState(likelyHeight);
  useEffect(() => {
    const element = scroll.current;
    if (!element) {
      return;
    }
    const read = () => {
      setStep(Math.floor(element.scrollTop / rowHeight / overscan));
      setHeight(element.clientHeight || likelyHeight);
    };
    read();
    element.addEventListener('scroll', read, { passive: true });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', read);
      observer.disconnect();
    };
  }, [scroll]);
  const first = Math.max(0, Math.min((step - 1) * overscan, count - 1));
  return { first, last: Math.min(count, (step + 2) * overscan + Math.ceil(height / rowHeight)) };
}

function Cell({ row, column, onSelect }: { row: Row; column: ColumnId; onSelect: (id: string) => void }): ReactNode {
  const t = useTopologyTexts();
  switch (column) {
    case 'state':
      return <HealthGlyph health={row.state} />;
    case 'name':
    case 'from':
      return (
        <button type="button" className="tp-row-name" onClick={() => onSelect(row.id)}>
          {row.name}
        </button>
      );
    case 'rate':
      return row.rate !== undefined
        ? plain(rate(row.rate, t('col.rps')))
        : row.bytes !== undefined
          ? plain(byteRate(row.bytes))
          : '–';
    case 'errors':
      return row.errorShare === undefined ? (
        '–'
      ) : (
        <span className={row.errorShare >= 0.01 ? `k-${row.state}` : ''}>{plain(share(row.errorShare))}</span>
      );
    case 'p95':
      return row.p95 === undefined ? '–' : plain(duration(row.p95));
    case 'mtls':
      return row.mutualTls ? t(`mtls.${row.mutualTls as 'all' | 'some' | 'none'}`) : '–';
    case 'namespace':
      return row.namespace;
    case 'to':
      return row.to;
    case 'protocol':
      return row.protocol;
    case 'versions':
      return row.versions;
  }
}
