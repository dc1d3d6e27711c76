import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { Fragment, type ReactNode } from 'react';

export interface Column<R> {
  readonly id: string;
  readonly title: string;
  /** What stands in the cell. */
  readonly cell: (row: R) => ReactNode;
  /** What rows are sorted by; a column without it cannot be sorted. */
  readonly by?: (row: R) => string | number;
  /** Text left, numbers right, glyphs centred. */
  readonly align?: 'text' | 'number' | 'glyph';
  /** Cut with an ellipsis where there is no room. */
  readonly cut?: boolean;
  /** Takes the room that the others leave, and is cut; the others keep to one line. */
  readonly fill?: boolean;
}

/** A sort as it stands in the address: "rate" upwards, "-rate" downwards. */
export type Sort = string;

/** Sorts rows by a column; equal ones keep their order. */
export function sortRows<R>(rows: readonly R[], columns: readonly Column<R>[], sort: Sort | undefined): R[] {
  const column = columns.find((c) => c.id === sort?.replace(/^-/, ''));
  const by = column?.by;
  if (!by) {
    return [...rows];
  }
  const sign = sort?.startsWith('-') ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    return sign * (typeof x === 'string' && typeof y === 'string' ? x.localeCompare(y) : x < y ? -1 : x > y ? 1 : 0);
  });
}

export interface DataTableProps<R> {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  sort?: Sort | undefined;
  /** Put it into the address. */
  onSort?: (sort: Sort) => void;
  selected?: string | undefined;
  onSelect?: (row: R) => void;
  /** A second line in the row: why it was rejected. */
  detail?: (row: R) => ReactNode;
  rowTone?: (row: R) => 'failing' | undefined;
}

/** The table of the house: 32 px rows, hairlines, numbers right; sorted through the address. */
export function DataTable<R>(props: DataTableProps<R>) {
  const { label, columns, rows, rowKey, sort, onSort, selected, onSelect, detail, rowTone } = props;
  const sorted = columns.findIndex((c) => c.id === sort?.replace(/^-/, ''));
  const direction = sort?.startsWith('-') ? 'desc' : 'asc';
  const className = (c: Column<R>) =>
    c.fill ? 'fill-c' : c.align === 'number' ? 'is-num' : c.align === 'glyph' ? 'c' : '';
  return (
    <Table
      className={columns.some((c) => c.fill) ? 'hd-table one-line' : 'hd-table'}
      borders={false}
      aria-label={label}
      variant="compact"
      isStickyHeader
      // Where there is little room it scrolls: rows of columns stay rows, and can be compared.
      gridBreakPoint=""
    >
      <Thead>
        <Tr>
          {columns.map((column, index) => (
            <Th
              key={column.id}
              className={className(column)}
              modifier="nowrap"
              {...(column.by && onSort
                ? {
                    sort: {
                      columnIndex: index,
                      sortBy: {
                        ...(sorted >= 0 ? { index: sorted } : {}),
                        direction,
                        defaultDirection: column.align === 'number' ? 'desc' : 'asc',
                      },
                      onSort: (_, __, to) => onSort(to === 'desc' ? `-${column.id}` : column.id),
                    },
                  }
                : {})}
            >
              {column.title}
            </Th>
          ))}
        </Tr>
      </Thead>
      <Tbody>
        {sortRows(rows, columns, sort).map((row) => {
          const key = rowKey(row);
          const more = detail?.(row);
          const tone = rowTone?.(row) === 'failing' ? 'nk' : '';
          return (
            <Fragment key={key}>
              <Tr
                className={`${tone}${selected === key ? ' is-selected' : ''}`}
                {...(onSelect
                  ? { isClickable: true, isRowSelected: selected === key, onRowClick: () => onSelect(row) }
                  : {})}
              >
                {columns.map((column) => (
                  <Td
                    key={column.id}
                    className={className(column)}
                    dataLabel={column.title}
                    {...(column.cut ? { modifier: 'truncate' } : {})}
                  >
                    {column.cell(row)}
                  </Td>
                ))}
              </Tr>
              {more && (
                <Tr className={`nkr ${tone}`}>
                  <Td colSpan={columns.length}>{more}</Td>
                </Tr>
              )}
            </Fragment>
          );
        })}
      </Tbody>
    </Table>
  );
}
