import { Button } from '@patternfly/react-core';
import { Download } from 'lucide-react';
import { type CsvColumn, csvText } from '../lib/csv';
import { type DataTableProps, sortRows } from './data-table';
import { useUiTexts } from './texts';

/** What tells a spreadsheet that the text is UTF-8. */
const byteOrderMark = '\ufeff';

/** Saves rows as the file heddle-<name>.csv. */
export function saveCsv<R>(name: string, columns: readonly CsvColumn<R>[], rows: readonly R[]): void {
  const url = URL.createObjectURL(new Blob([byteOrderMark, csvText(columns, rows)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `heddle-${name}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}

interface ExportProps {
  readonly onExport: () => void;
  /** In a bar of tools it is one of several; at the head of a page it stands alone. */
  readonly inBar?: boolean;
}

/** The button that saves what is shown. */
export function ExportButton({ onExport, inBar = false }: ExportProps) {
  const t = useUiTexts();
  const size = inBar ? 15 : 13;
  return (
    <Button
      {...(inBar ? { variant: 'plain', size: 'sm' } : { variant: 'secondary' })}
      icon={<Download size={size} strokeWidth={1.7} aria-hidden />}
      title={t('export.title')}
      onClick={onExport}
    >
      {t(inBar ? 'export' : 'export.csv')}
    </Button>
  );
}

interface SaveTableProps<R> {
  readonly name: string;
  readonly csv: readonly CsvColumn<R>[];
  /** The table whose rows are saved, in its order. */
  readonly table: Pick<DataTableProps<R>, 'columns' | 'rows' | 'sort'>;
}

/** Saves the rows that a list shows, as it shows them; nothing where it shows none. */
export function SaveTable<R>({ name, csv, table }: SaveTableProps<R>) {
  return (
    table.rows.length > 0 && (
      <ExportButton onExport={() => saveCsv(name, csv, sortRows(table.rows, table.columns, table.sort))} />
    )
  );
}
