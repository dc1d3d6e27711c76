/** How many lines of a log are kept: the newest. */
export const kept = 5000;

/** What was read of a log: whole lines, and the beginning of one that is not whole yet. */
export interface Log {
  readonly lines: readonly string[];
  readonly rest: string;
  /** Number of the first line that is kept, from 0. */
  readonly first: number;
}

export const emptyLog: Log = { lines: [], rest: '', first: 0 };

/** A log with what was read after it. */
export function add(log: Log, text: string): Log {
  const parts = (log.rest + text).split('\n');
  const rest = parts.pop() ?? '';
  const all = [...log.lines, ...parts.map(plainLine)];
  const over = Math.max(0, all.length - kept);
  return { lines: over > 0 ? all.slice(over) : all, rest, first: log.first + over };
}

/** A log that will not go on: what was not ended by a line break is a line too. */
export const end = (log: Log): Log => (log.rest === '' ? log : add({ ...log, rest: '' }, `${log.rest}\n`));

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours are control characters
const terminal = /\u001b\[[0-9;]*[A-Za-z]|\r|[\u0000-\u0008\u000b-\u001f]/g;

/** A line without colours of terminals and other control characters. */
const plainLine = (line: string) => line.replace(terminal, '');

export interface ShownLine {
  readonly number: number;
  readonly text: string;
}

/** The lines that have a text, whatever its case. */
export function linesWith(log: Log, text: string): ShownLine[] {
  const wanted = text.trim().toLowerCase();
  return log.lines
    .map((line, i) => ({ number: log.first + i, text: line }))
    .filter((line) => wanted === '' || line.text.toLowerCase().includes(wanted));
}
