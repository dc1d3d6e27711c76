/**
 * The small language of the find field: conditions joined by "and" or a comma, such as
 * `rate > 10, error > 1%`, `name ~ rev` or `version = v2`. A bare word is a part of a name.
 */
export interface Findable {
  name: string;
  namespace: string;
  /** Requests in a second. */
  rate: number;
  /** Share of one. */
  errorShare: number;
  /** Milliseconds; not measured for TCP. */
  p95?: number;
  versions: readonly string[];
  state: string;
  protocols: readonly string[];
}

export type Test = (what: Findable) => boolean;

/** What is wrong with a condition, for the person who types it. */
export interface FindProblem {
  code: 'field' | 'operator' | 'number' | 'value';
  text: string;
}

export type Finding =
  | {
      test: Test;
      problem?: undefined;
      /** The figure of which much was looked for, where that is the only condition. */
      field?: 'rate' | 'error' | 'p95' | undefined;
    }
  | { test?: undefined; problem: FindProblem; field?: undefined };

type Field =
  | {
      kind: 'number';
      of: (what: Findable) => number | undefined;
      unit: (value: number, unit: string) => number | undefined;
    }
  | { kind: 'text'; of: (what: Findable) => readonly string[] };

const plainNumber = (value: number, unit: string) =>
  unit === '' || unit === 'rps' || unit === '/s' ? value : undefined;

/** "1%" and "1 %" are one per cent; a bare number means per cent too, since shares are shown so. */
const percent = (value: number, unit: string) => (unit === '' || unit === '%' ? value / 100 : undefined);

const milliseconds = (value: number, unit: string) => {
  if (unit === '' || unit === 'ms') {
    return value;
  }
  return unit === 's' ? value * 1000 : undefined;
};

const rateField: Field = { kind: 'number', of: (w) => w.rate, unit: plainNumber };
const errorField: Field = { kind: 'number', of: (w) => w.errorShare, unit: percent };
const p95Field: Field = { kind: 'number', of: (w) => w.p95, unit: milliseconds };
const stateField: Field = { kind: 'text', of: (w) => [w.state] };
const namespaceField: Field = { kind: 'text', of: (w) => [w.namespace] };

const fields = new Map<string, Field>([
  ['rate', rateField],
  ['rps', rateField],
  ['error', errorField],
  ['errors', errorField],
  ['p95', p95Field],
  ['name', { kind: 'text', of: (w) => [w.name] }],
  ['namespace', namespaceField],
  ['ns', namespaceField],
  ['version', { kind: 'text', of: (w) => w.versions }],
  ['state', stateField],
  ['health', stateField],
  ['protocol', { kind: 'text', of: (w) => w.protocols }],
]);

const figureOf = new Map<Field, 'rate' | 'error' | 'p95'>([
  [rateField, 'rate'],
  [errorField, 'error'],
  [p95Field, 'p95'],
]);

const compare: Record<string, (a: number, b: number) => boolean> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

const condition = /^([\p{L}\d_.-]+)\s*(>=|<=|!=|!~|[><=~])\s*(.*)$/u;
const amount = /^(-?\d+(?:\.\d+)?)\s*(%|ms|s|rps|\/s|)$/i;

/** Reads what a person typed. Nothing typed finds everything. */
export function parseFind(text: string): Finding {
  const tests: Test[] = [];
  let field: 'rate' | 'error' | 'p95' | undefined;
  for (const part of text.split(/,|\s+and\s+/i)) {
    const trimmed = part.trim();
    if (trimmed === '') {
      continue;
    }
    const one = parseOne(trimmed);
    if (one.problem) {
      return one;
    }
    tests.push(one.test);
    field = one.field;
  }
  return { test: (what) => tests.every((test) => test(what)), field: tests.length === 1 ? field : undefined };
}

function parseOne(text: string): Finding {
  const match = condition.exec(text);
  if (!match) {
    if (/[><=~!]/.test(text)) {
      return { problem: { code: 'operator', text } };
    }
    const word = text.toLowerCase();
    return { test: (what) => what.name.toLowerCase().includes(word) };
  }
  const [, name = '', operator = '', value = ''] = match;
  const field = fields.get(name.toLowerCase());
  if (!field) {
    return { problem: { code: 'field', text: name } };
  }
  if (value.trim() === '') {
    return { problem: { code: 'value', text } };
  }
  if (field.kind === 'text') {
    return textual(field, operator, value.trim());
  }
  const found = numeric(field, operator, value.trim());
  return found.test && operator.startsWith('>') ? { ...found, field: figureOf.get(field) } : found;
}

function numeric(field: Extract<Field, { kind: 'number' }>, operator: string, value: string): Finding {
  const by = compare[operator];
  if (!by) {
    return { problem: { code: 'operator', text: operator } };
  }
  const match = amount.exec(value);
  const wanted = match ? field.unit(Number(match[1]), (match[2] ?? '').toLowerCase()) : undefined;
  if (wanted === undefined) {
    return { problem: { code: 'number', text: value } };
  }
  return {
    test: (what) => {
      const found = field.of(what);
      return found !== undefined && by(found, wanted);
    },
  };
}

function textual(field: Extract<Field, { kind: 'text' }>, operator: string, value: string): Finding {
  const wanted = value.replace(/^(["'])(.*)\1$/, '$2').toLowerCase();
  const some = (match: (have: string) => boolean) => (what: Findable) =>
    field.of(what).some((have) => match(have.toLowerCase()));
  switch (operator) {
    case '=':
      return { test: some((have) => have === wanted) };
    case '!=':
      return { test: (what) => !some((have) => have === wanted)(what) };
    case '~':
      return { test: some((have) => have.includes(wanted)) };
    case '!~':
      return { test: (what) => !some((have) => have.includes(wanted))(what) };
    default:
      return { problem: { code: 'operator', text: operator } };
  }
}
