import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { type Column, DataTable, sortRows } from './data-table';

interface Row {
  name: string;
  rate: number;
}
const rows: Row[] = [
  { name: 'reviews', rate: 96 },
  { name: 'details', rate: 96 },
  { name: 'ratings', rate: 28.5 },
];
const columns: Column<Row>[] = [
  { id: 'name', title: 'Service', cell: (r) => r.name, by: (r) => r.name },
  { id: 'rate', title: 'Rate', cell: (r) => r.rate, by: (r) => r.rate, align: 'number' },
];

test('sorts by a column of the address; equal rows keep their order', () => {
  expect(sortRows(rows, columns, '-rate').map((r) => r.name)).toEqual(['reviews', 'details', 'ratings']);
  expect(sortRows(rows, columns, 'name').map((r) => r.name)).toEqual(['details', 'ratings', 'reviews']);
  expect(sortRows(rows, columns, 'nonsense')).toEqual(rows);
});

test('a click on a head asks for the sort; numbers begin with the largest', async () => {
  const onSort = vi.fn();
  render(
    <DataTable label="Services" columns={columns} rows={rows} rowKey={(r) => r.name} sort="name" onSort={onSort} />,
  );
  await userEvent.click(screen.getByRole('button', { name: 'Rate' }));
  expect(onSort).toHaveBeenCalledWith('-rate');
  const first = screen.getAllByRole('row')[1];
  if (!first) {
    throw new Error('no row');
  }
  within(first).getByText('details');
});

test('a second line says why', () => {
  render(
    <DataTable
      label="Services"
      columns={columns}
      rows={rows}
      rowKey={(r) => r.name}
      detail={(r) => (r.name === 'ratings' ? 'rejected' : null)}
    />,
  );
  screen.getByText('rejected');
  expect(screen.getAllByRole('row')).toHaveLength(5);
});
