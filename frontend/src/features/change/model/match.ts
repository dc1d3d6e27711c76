import { type Form, type MatchBy, type MatchHow, userHeader } from './form';
import { array, type Json, object, text } from './json';

/** What a condition looks at. */
export const conditionFields = [
  'user',
  'header',
  'without',
  'cookie',
  'path',
  'pathAnyCase',
  'query',
  'method',
  'authority',
  'scheme',
  'port',
  'label',
  'namespace',
  'gateway',
  'unknown',
] as const;
export type ConditionField = (typeof conditionFields)[number];

/** One condition of a match, as it was written. */
export interface Condition {
  readonly field: ConditionField;
  /** Of a header, cookie, query parameter or label; the key of what nobody knows. */
  readonly name: string;
  readonly how: MatchHow | 'present';
  readonly value: string;
}

/** Fields of a match that tell no requests apart. */
const noCondition = ['name', 'statPrefix', 'ignoreUriCase'];

/**
 * The conditions of a route: a request has to meet all of one of the lists. Without any list the
 * route takes every request, and so it does with a list that is empty.
 */
export function readConditions(route: Json): Condition[][] {
  return array(route.match).map((match) => Object.entries(object(match)).flatMap(([key, v]) => read(key, v, match)));
}

/** Whether a route takes every request that no route before it took. */
export const takesAll = (conditions: readonly (readonly Condition[])[]): boolean =>
  conditions.length === 0 || conditions.some((all) => all.length === 0);

function read(key: string, v: unknown, match: unknown): Condition[] {
  const named = (field: ConditionField) =>
    Object.entries(object(v)).map(([name, m]): Condition => ({ field, name, ...stringMatch(m) }));
  const plain = (field: ConditionField): Condition => ({ field, name: '', ...stringMatch(v) });
  const exact = (field: ConditionField, value: unknown): Condition => ({
    field,
    name: '',
    how: 'exact',
    value: text(value),
  });
  if (noCondition.includes(key)) {
    return [];
  }
  switch (key) {
    case 'headers':
      return named('header').map(known);
    case 'withoutHeaders':
      return named('without');
    case 'queryParams':
      return named('query');
    case 'uri':
      return [plain(object(match).ignoreUriCase === true ? 'pathAnyCase' : 'path')];
    case 'method':
    case 'authority':
    case 'scheme':
      return [plain(key)];
    case 'port':
      return [exact('port', v)];
    case 'sourceNamespace':
      return [exact('namespace', v)];
    case 'sourceLabels':
      return Object.entries(object(v)).map(
        ([name, value]): Condition => ({ field: 'label', name, how: 'exact', value: text(value) }),
      );
    case 'gateways':
      return [exact('gateway', array(v).map(text).join(', '))];
    default:
      return [{ field: 'unknown', name: key, how: 'present', value: '' }];
  }
}

/** A header as what it stands for: the user's name, or a cookie as this form writes it. */
function known(header: Condition): Condition {
  if (header.name === userHeader) {
    return { ...header, field: 'user', name: '' };
  }
  const found = header.name === 'cookie' && header.how === 'regex' ? cookieOf(header.value) : undefined;
  return found ? { field: 'cookie', ...found, how: 'exact' } : header;
}

/** Without any word of how to compare, it is enough that there is a value. */
function stringMatch(v: unknown): Pick<Condition, 'how' | 'value'> {
  const m = object(v);
  for (const how of ['exact', 'prefix', 'regex'] as const) {
    if (m[how] !== undefined) {
      return { how, value: text(m[how]) };
    }
  }
  return { how: 'present', value: '' };
}

type FormMatch = Pick<Form, 'by' | 'matchName' | 'how' | 'matchValue'>;

/** The fields of the form that say a single condition. */
const said: Partial<Record<ConditionField, MatchBy>> = {
  user: 'user',
  header: 'header',
  cookie: 'cookie',
  path: 'path',
};

/** The conditions as the form could say them; what it cannot say is "other". */
export function formMatch(conditions: readonly (readonly Condition[])[]): FormMatch {
  const none: FormMatch = { by: 'all', matchName: '', how: 'exact', matchValue: '' };
  if (takesAll(conditions)) {
    return none;
  }
  const [all = [], ...more] = conditions;
  const [only, ...others] = all;
  const by = only && said[only.field];
  if (!by || only.how === 'present' || others.length > 0 || more.length > 0) {
    return { ...none, by: 'other' };
  }
  return { by, matchName: only.name, how: only.how, matchValue: only.value };
}

const beforeCookie = '^(.*?;)?\\s*(';
const afterCookie = ')(;.*)?$';
const escaped = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const unescaped = (s: string) => s.replace(/\\([.*+?^${}()|[\]\\])/g, '$1');
const cookieRegex = (name: string, value: string) => `${beforeCookie}${escaped(name)}=${escaped(value)}${afterCookie}`;

/**
 * The cookie that such an expression is for. It is found without one: anybody may have written the
 * value, of any length, and an expression that looks for both ends takes its square.
 */
function cookieOf(value: string): Pick<Condition, 'name' | 'value'> | undefined {
  if (!value.startsWith(beforeCookie) || !value.endsWith(afterCookie)) {
    return undefined;
  }
  const pair = value.slice(beforeCookie.length, -afterCookie.length);
  const equals = pair.indexOf('=', 1); // a name has one character at least
  return equals < 0 ? undefined : { name: unescaped(pair.slice(0, equals)), value: unescaped(pair.slice(equals + 1)) };
}

/** The match of a new rule; undefined for one that takes every request. */
export function writeMatch(form: FormMatch): Json | undefined {
  const value = { [form.how]: form.matchValue };
  switch (form.by) {
    case 'header':
      return { headers: { [form.matchName.toLowerCase()]: value } };
    case 'user':
      return { headers: { [userHeader]: value } };
    case 'cookie':
      return { headers: { cookie: { regex: cookieRegex(form.matchName, form.matchValue) } } };
    case 'path':
      return { uri: value };
    default:
      return undefined;
  }
}
