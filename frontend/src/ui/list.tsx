import { Button } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { DataTable, type DataTableProps } from './data-table';
import { FilterField } from './filter-field';
import { Menu, type MenuProps } from './menu';
import { Empty } from './states';

interface ListProps<R> {
  /** The table: what is shown of all there is. */
  readonly table: DataTableProps<R>;
  readonly find: { readonly label: string; readonly example?: string; readonly value: string | undefined };
  /** What is typed; undefined for nothing, so that it leaves the address. */
  readonly onFind: (text: string | undefined) => void;
  /** Menus beside the field; the first option of each is "any". */
  readonly filters?: readonly (Omit<MenuProps, 'value' | 'onPick'> & {
    readonly value: string | undefined;
    readonly onPick: (value: string | undefined) => void;
  })[];
  /** Filters of another shape than a menu. */
  readonly more?: ReactNode;
  /** What is said when the filter leaves nothing, and how to see everything again. */
  readonly noMatch: { readonly title: string; readonly text?: ReactNode; readonly action: string };
  readonly onShowAll: () => void;
  /** Beside an editor there is less room above the field. */
  readonly compact?: boolean;
}

/** A list that fills its page: filters in the address, then the table or why it is empty. */
export function List<R>(props: ListProps<R>) {
  const { table, find, onFind, filters = [], more, noMatch, onShowAll, compact = false } = props;
  return (
    <>
      <div className={compact ? 'fbar' : 'fbar wide'}>
        <FilterField
          label={find.label}
          {...(find.example ? { placeholder: find.example } : {})}
          value={find.value ?? ''}
          onChange={(text) => onFind(text || undefined)}
        />
        {filters.map((filter) => (
          <Menu
            key={filter.label}
            {...filter}
            value={filter.value ?? ''}
            onPick={(value) => filter.onPick(value || undefined)}
          />
        ))}
        {more}
      </div>
      {table.rows.length > 0 ? (
        <div className="tscroll grow">
          <DataTable {...table} />
        </div>
      ) : (
        <Empty
          title={noMatch.title}
          action={
            <Button variant="secondary" size="sm" onClick={onShowAll}>
              {noMatch.action}
            </Button>
          }
        >
          {noMatch.text}
        </Empty>
      )}
    </>
  );
}
