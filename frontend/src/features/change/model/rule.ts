import { type Document, isMap, isSeq, type Node, parseDocument, visit, YAMLMap, type YAMLSeq } from 'yaml';
import type { Context, Form, HeaderEdit, Intent, MatchHow } from './form';
import { emptyForm, userHeader } from './form';
import { keepLines } from './keep-lines';

type Json = Record<string, unknown>;
const object = (v: unknown): Json => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Json) : {});
const array = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
const text = (v: unknown): string => (typeof v === 'string' || typeof v === 'number' ? String(v) : '');

/** One http route of a VirtualService, as far as a person needs to choose it. */
export interface RuleSummary {
  readonly index: number;
  readonly name: string;
  readonly match: Pick<Form, 'by' | 'matchName' | 'how' | 'matchValue'>;
  /** More than one condition: the form shows the first, the YAML all of them. */
  readonly more: boolean;
}

/** The rules of a VirtualService's text; undefined when it cannot be read. */
export function readRules(yaml: string): RuleSummary[] | undefined {
  const http = routes(yaml);
  return http?.map((route, index) => ({
    index,
    name: text(object(route).name),
    match: readMatch(object(route)),
    more: array(object(route).match).length > 1 || conditions(object(array(object(route).match)[0])) > 1,
  }));
}

function routes(yaml: string): unknown[] | undefined {
  const doc = parseDocument(yaml);
  if (doc.errors.length > 0) {
    return undefined;
  }
  return array(object(object(doc.toJS()).spec).http);
}

const conditions = (match: Json): number =>
  Object.entries(match).reduce(
    (n, [key, v]) => n + (key === 'headers' ? Object.keys(object(v)).length : key === 'name' ? 0 : 1),
    0,
  );

const cookie = /^\^\(\.\*\?;\)\?\\s\*\((.+?)=(.*)\)\(;\.\*\)\?\$$/;
const escaped = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const unescaped = (s: string) => s.replace(/\\([.*+?^${}()|[\]\\])/g, '$1');
const cookieRegex = (name: string, value: string) => `^(.*?;)?\\s*(${escaped(name)}=${escaped(value)})(;.*)?$`;

function stringMatch(v: unknown): { how: MatchHow; matchValue: string } {
  const m = object(v);
  for (const how of ['exact', 'prefix', 'regex'] as const) {
    if (m[how] !== undefined) {
      return { how, matchValue: text(m[how]) };
    }
  }
  return { how: 'exact', matchValue: '' };
}

function readMatch(route: Json): RuleSummary['match'] {
  const first = object(array(route.match)[0]);
  const [header] = Object.entries(object(first.headers));
  if (header) {
    const [name, v] = header;
    const m = stringMatch(v);
    const found = name === 'cookie' && m.how === 'regex' ? cookie.exec(m.matchValue) : null;
    if (found) {
      return {
        by: 'cookie',
        matchName: unescaped(found[1] ?? ''),
        how: 'exact',
        matchValue: unescaped(found[2] ?? ''),
      };
    }
    return name === userHeader ? { by: 'user', matchName: '', ...m } : { by: 'header', matchName: name, ...m };
  }
  if (first.uri !== undefined) {
    return { by: 'path', matchName: '', ...stringMatch(first.uri) };
  }
  return { by: 'all', matchName: '', how: 'exact', matchValue: '' };
}

const short = (host: string, context: Context) =>
  [context.name, `${context.name}.${context.namespace}`, `${context.name}.${context.namespace}.svc`].includes(host) ||
  host.startsWith(`${context.name}.${context.namespace}.svc.`);

const versionOf = (subset: string, context: Context) =>
  context.versions.find((v) => v.subset !== '' && v.subset === subset)?.version ?? subset;

const subsetOf = (version: string, context: Context) =>
  context.versions.find((v) => v.version === version)?.subset || version;

/** What a rule says, as the form shows it; a new one is empty. */
export function readForm(yaml: string, where: Form['where'], context: Context): Form {
  const route = where === 'new' ? undefined : routes(yaml)?.[where];
  if (route === undefined) {
    return { ...emptyForm, where };
  }
  const r = object(route);
  const destinations = array(r.route).map((d) => ({
    version: versionOf(text(object(object(d).destination).subset), context),
    own: short(text(object(object(d).destination).host), context),
    weight: object(d).weight,
  }));
  const own = destinations.filter((d) => d.own);
  const shares = Object.fromEntries(
    own.map((d) => [d.version, text(d.weight ?? (destinations.length === 1 ? 100 : 0))]),
  );
  const delay = object(object(r.fault).delay);
  const abort = object(object(r.fault).abort);
  const retries = object(r.retries);
  const redirect = object(r.redirect);
  const rewrite = object(r.rewrite);
  const moves = r.redirect === undefined ? rewrite : redirect;
  const mirror = object(r.mirror);
  return {
    where,
    ...readMatch(r),
    shares,
    to: own.length === 1 && destinations.length === 1 ? (own[0]?.version ?? '') : '',
    delay: text(delay.fixedDelay),
    delayPercent: text(object(delay.percentage).value ?? delay.percent ?? 100),
    abort: text(abort.httpStatus),
    abortPercent: text(object(abort.percentage).value ?? 100),
    mirrorTo: short(text(mirror.host), context) ? versionOf(text(mirror.subset), context) : '',
    mirrorPercent: text(object(r.mirrorPercentage).value ?? 100),
    timeout: text(r.timeout),
    attempts: text(retries.attempts),
    perTry: text(retries.perTryTimeout),
    retryOn: text(retries.retryOn),
    action: r.redirect === undefined ? 'rewrite' : 'redirect',
    uri: text(moves.uri),
    authority: text(moves.authority),
    code: text(redirect.redirectCode ?? 301),
    headers: readHeaders(object(r.headers)),
  };
}

function readHeaders(headers: Json): HeaderEdit[] {
  return (['request', 'response'] as const).flatMap((on) => {
    const side = object(headers[on]);
    return [
      ...(['set', 'add'] as const).flatMap((op) =>
        Object.entries(object(side[op])).map(([name, value]) => ({ on, op, name, value: text(value) })),
      ),
      ...array(side.remove).map((name) => ({ on, op: 'remove' as const, name: text(name), value: '' })),
    ];
  });
}

/** The text of a VirtualService that says nothing about the service yet. */
export const newVirtualService = ({ namespace, name }: Context): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\nspec:\n  hosts:\n    - ${name}\n  http: []\n`;

/** What was written, and which rule it is now. */
export interface Written {
  readonly yaml: string;
  readonly where: number;
}

/**
 * Writes what the form says into the VirtualService, and nothing else: fields and comments that
 * the form does not know stay as they are. A new rule stands first, so that it is asked first;
 * where there was no rule at all, one for all other requests follows it.
 */
export function writeForm(yaml: string, intent: Intent, form: Form, context: Context): Written {
  const doc = parseDocument(yaml);
  let where = form.where;
  const http = doc.getIn(['spec', 'http']);
  const count = isSeq(http) ? http.items.length : 0;
  if (where === 'new' || where >= count) {
    where = insertRule(doc, form, context, count);
  }
  const at = ['spec', 'http', where];
  writers[intent](doc, at, form, context);
  return { yaml: keepLines(yaml, doc), where };
}

function insertRule(doc: Document, form: Form, context: Context, count: number): number {
  const match = writeMatch(form);
  // Each time an object of its own: the same one twice would become an alias.
  const route = () => [{ destination: { host: context.name } }];
  const rule = { ...(match ? { match: [match] } : {}), route: route() };
  if (count === 0) {
    doc.setIn(['spec', 'http'], node(doc, match ? [rule, { route: route() }] : [rule]));
    return 0;
  }
  const http = doc.getIn(['spec', 'http']) as YAMLSeq;
  if (match === undefined) {
    // For all requests: it must not hide the rules that are there, so it is the last.
    http.items.push(node(doc, rule));
    return http.items.length - 1;
  }
  const first = http.items[0];
  // A comment above the first rule belongs to it and goes along.
  if (isMap(first) && http.commentBefore) {
    first.commentBefore = http.commentBefore;
    http.commentBefore = null;
  }
  http.items.unshift(node(doc, rule));
  return 0;
}

function writeMatch(form: Form): Json | undefined {
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

type At = (string | number)[];

/** What other readers of YAML take for a truth value, a number or nothing, where we mean a text. */
const ambiguous = /^(y|yes|n|no|on|off|true|false|null|~)$|^[-+]?[\d_.:]+(e[-+]?\d+)?$/i;

/** A node for a value, with quotes wherever a reader might not see a text. */
function node(doc: Document, value: unknown): Node {
  const made = doc.createNode(value);
  visit(made, {
    Scalar(key, scalar) {
      if (key !== 'key' && typeof scalar.value === 'string' && ambiguous.test(scalar.value)) {
        scalar.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return made;
}

/** Sets a field, or takes it away; a value that is there already keeps its looks. */
function put(doc: Document, at: At, value: unknown): void {
  if (value === undefined) {
    if (doc.hasIn(at)) {
      doc.deleteIn(at);
    }
    return;
  }
  if (doc.hasIn(at) && JSON.stringify(plain(doc, at)) === JSON.stringify(value)) {
    return;
  }
  doc.setIn(at, node(doc, value));
}

const plain = (doc: Document, at: At): unknown => {
  const node = doc.getIn(at);
  return isMap(node) || isSeq(node) ? node.toJS(doc) : node;
};

/** Takes a map away once nothing is left in it. */
function tidy(doc: Document, at: At): void {
  const node = doc.getIn(at);
  if (isMap(node) && node.items.length === 0) {
    doc.deleteIn(at);
  }
}

const numeric = (s: string): number => Number(s);
const orNone = (s: string): string | undefined => (s === '' ? undefined : s);

const writers: Record<Intent, (doc: Document, at: At, form: Form, context: Context) => void> = {
  split(doc, at, form, context) {
    const wanted = context.versions.map((v) => ({
      subset: subsetOf(v.version, context),
      weight: numeric(form.shares[v.version] || '0'),
    }));
    for (const { subset, weight } of wanted) {
      const i = destinationIndex(doc, at, subset, context);
      if (i >= 0) {
        put(doc, [...at, 'route', i, 'weight'], weight);
      } else if (weight > 0) {
        const bare = destinationIndex(doc, at, '', context);
        if (bare >= 0) {
          // A destination without subset is all versions: it becomes one of them.
          doc.setIn([...at, 'route', bare, 'destination', 'subset'], subset);
          put(doc, [...at, 'route', bare, 'weight'], weight);
        } else {
          doc.addIn([...at, 'route'], node(doc, { destination: { host: context.name, subset }, weight }));
        }
      }
    }
  },
  route(doc, at, form, context) {
    const subset = subsetOf(form.to, context);
    const i = Math.max(0, destinationIndex(doc, at, subset, context), destinationIndex(doc, at, '', context));
    const route = doc.getIn([...at, 'route']);
    if (!isSeq(route) || route.items.length === 0) {
      doc.setIn([...at, 'route'], node(doc, [{ destination: { host: context.name, subset } }]));
      return;
    }
    route.items.splice(0, route.items.length, route.items[i]);
    put(doc, [...at, 'route', 0, 'destination', 'subset'], subset);
    put(doc, [...at, 'route', 0, 'weight'], undefined);
  },
  fault(doc, at, form) {
    const percentage = (s: string) => ({ value: numeric(s) });
    if (form.delay === '') {
      put(doc, [...at, 'fault', 'delay'], undefined);
    } else {
      put(doc, [...at, 'fault', 'delay', 'fixedDelay'], form.delay);
      put(doc, [...at, 'fault', 'delay', 'percent'], undefined);
      put(doc, [...at, 'fault', 'delay', 'percentage'], percentage(form.delayPercent));
    }
    if (form.abort === '') {
      put(doc, [...at, 'fault', 'abort'], undefined);
    } else {
      put(doc, [...at, 'fault', 'abort', 'httpStatus'], numeric(form.abort));
      put(doc, [...at, 'fault', 'abort', 'percentage'], percentage(form.abortPercent));
    }
    tidy(doc, [...at, 'fault']);
  },
  mirror(doc, at, form, context) {
    put(doc, [...at, 'mirror', 'host'], plain(doc, [...at, 'mirror', 'host']) ?? context.name);
    put(doc, [...at, 'mirror', 'subset'], subsetOf(form.mirrorTo, context));
    put(doc, [...at, 'mirrorPercentage'], { value: numeric(form.mirrorPercent) });
  },
  resilience(doc, at, form) {
    put(doc, [...at, 'timeout'], orNone(form.timeout));
    if (form.attempts === '') {
      put(doc, [...at, 'retries'], undefined);
      return;
    }
    put(doc, [...at, 'retries', 'attempts'], numeric(form.attempts));
    put(doc, [...at, 'retries', 'perTryTimeout'], orNone(form.perTry));
    put(doc, [...at, 'retries', 'retryOn'], orNone(form.retryOn));
  },
  redirect(doc, at, form, context) {
    const [is, isNot] = form.action === 'redirect' ? ['redirect', 'rewrite'] : ['rewrite', 'redirect'];
    put(doc, [...at, isNot], undefined);
    put(doc, [...at, is, 'uri'], orNone(form.uri));
    put(doc, [...at, is, 'authority'], orNone(form.authority));
    if (is === 'redirect') {
      put(doc, [...at, is, 'redirectCode'], numeric(form.code));
      put(doc, [...at, 'route'], undefined); // a rule redirects or routes, never both
    } else if (!doc.hasIn([...at, 'route'])) {
      doc.setIn([...at, 'route'], node(doc, [{ destination: { host: context.name } }]));
    }
  },
  headers(doc, at, form) {
    for (const on of ['request', 'response'] as const) {
      const of = (op: HeaderEdit['op']) => form.headers.filter((h) => h.on === on && h.op === op);
      for (const op of ['set', 'add'] as const) {
        const list = of(op);
        put(
          doc,
          [...at, 'headers', on, op],
          list.length > 0 ? Object.fromEntries(list.map((h) => [h.name, h.value])) : undefined,
        );
      }
      const gone = of('remove').map((h) => h.name);
      put(doc, [...at, 'headers', on, 'remove'], gone.length > 0 ? gone : undefined);
      tidy(doc, [...at, 'headers', on]);
    }
    tidy(doc, [...at, 'headers']);
  },
};

/** The destination that leads to this subset of the service; -1 where none does. */
function destinationIndex(doc: Document, at: At, subset: string, context: Context): number {
  return array(plain(doc, [...at, 'route'])).findIndex((d) => {
    const destination = object(object(d).destination);
    return short(text(destination.host), context) && text(destination.subset) === subset;
  });
}

/** The subsets that a rule names and no DestinationRule has yet, as a new or widened one. */
export function withSubsets(
  yaml: string | undefined,
  versions: readonly string[],
  context: Context,
): string | undefined {
  const missing = context.versions.filter((v) => v.subset === '' && versions.includes(v.version));
  if (missing.length === 0) {
    return undefined;
  }
  const subsets = missing.map((v) => ({ name: v.version, labels: { ...v.labels } }));
  if (yaml === undefined) {
    const doc = parseDocument(
      `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: ${context.name}\n  namespace: ${context.namespace}\nspec:\n  host: ${context.name}\n`,
    );
    doc.setIn(['spec', 'subsets'], node(doc, subsets));
    return String(doc);
  }
  const doc = parseDocument(yaml);
  if (!isSeq(doc.getIn(['spec', 'subsets']))) {
    doc.setIn(['spec', 'subsets'], node(doc, []));
  }
  for (const subset of subsets) {
    doc.addIn(['spec', 'subsets'], node(doc, subset));
  }
  return keepLines(yaml, doc);
}

/** The versions that a rule written by this form leads to. */
export function versionsNamed(intent: Intent, form: Form): string[] {
  switch (intent) {
    case 'split':
      return Object.keys(form.shares).filter((v) => Number(form.shares[v]) > 0);
    case 'route':
      return [form.to];
    case 'mirror':
      return [form.mirrorTo];
    default:
      return [];
  }
}

/** Whether a text is a YAML map at all, as the editor needs to know before the form follows it. */
export const readable = (yaml: string): boolean => {
  const doc = parseDocument(yaml);
  return doc.errors.length === 0 && doc.contents instanceof YAMLMap;
};
