/** A column of a CSV file: its head, which programs may rely on, and what stands in each row. */
export interface CsvColumn<R> {
  readonly head: string;
  /** Numbers plain, without units; undefined for what was not measured. */
  readonly of: (row: R) => string | number | undefined;
}

/** What a spreadsheet would read as a formula, after the blanks that it takes away. */
const formula = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/u;

/** The same behind what some spreadsheets begin a field at, where lists are written with semicolons. */
const inside = /([;\t][^\S\t]*)(?=[=+\-@＝＋－＠])/gu;

/** A field of CSV. Text that a spreadsheet would take for a formula is kept from being one. */
export function csvField(value: string | number | undefined): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' ? text.replace(inside, "$1'").replace(formula, "'$&") : text;
  return /[",;\t\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as CSV (RFC 4180), the heads first. */
export function csvText<R>(columns: readonly CsvColumn<R>[], rows: readonly R[]): string {
  return [columns.map((c) => c.head), ...rows.map((row) => columns.map((c) => c.of(row)))]
    .map((line) => `${line.map(csvField).join(',')}\r\n`)
    .join('');
}
