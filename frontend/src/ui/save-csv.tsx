import { Button } from '@patternfly/react-core';
import { Download } from 'lucide-react';
import { type CsvColumn, csvText } from '../lib/csv';
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

/** The button that saves what a list shows; rows are only asked for when it is pressed. */
export function ExportButton({ onExport }: { onExport: () => void }) {
  const t = useUiTexts();
  return (
    <Button
      variant="plain"
      size="sm"
      className="export"
      icon={<Download size={15} strokeWidth={1.7} aria-hidden />}
      title={t('export.title')}
      onClick={onExport}
    >
      {t('export')}
    </Button>
  );
}
