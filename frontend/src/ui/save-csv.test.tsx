import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { SaveTable } from './save-csv';

afterEach(() => vi.restoreAllMocks());

const table = (...rows: string[]) => ({
  columns: [{ id: 'n', title: 'Name', cell: (r: string) => r, by: (r: string) => r }],
  rows,
  sort: '-n',
});
const csv = [{ head: 'name', of: (r: string) => r }];

test('rows are saved as they stand in the table, as UTF-8 that a spreadsheet knows', async () => {
  const saved: Blob[] = [];
  vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
    saved.push(blob as Blob);
    return 'blob:x';
  });
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation(() => undefined);
  const names: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    names.push(this.download);
  });
  render(<SaveTable name="fruit" csv={csv} table={table('apple', '=李', 'plum')} />);
  await userEvent.click(screen.getByRole('button', { name: 'CSV' }));
  expect(names).toEqual(['heddle-fruit.csv']);
  const bytes = new Uint8Array((await saved[0]?.arrayBuffer()) ?? new ArrayBuffer(0));
  expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  expect(new TextDecoder().decode(bytes)).toBe("name\r\nplum\r\napple\r\n'=李\r\n");
});

test('of nothing there is no file', () => {
  render(<SaveTable name="fruit" csv={csv} table={table()} />);
  expect(screen.queryByRole('button')).toBeNull();
});
