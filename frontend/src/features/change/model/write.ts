import { type Document, isMap, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import { type Destination, destinationsOf, hostIn, isService, subsetOf } from './destinations';
import type { Context, Form, HeaderEdit, Intent } from './form';
import { array, object, text } from './json';
import { keepLines } from './keep-lines';
import { writeMatch } from './match';
import { type At, node, plain, put, putTyped, tidy } from './yaml-edit';

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
  writers[intent](doc, ['spec', 'http', where], form, context);
  return { yaml: keepLines(yaml, doc), where };
}

const namespaceOf = (doc: Document, context: Context) =>
  text(plain(doc, ['metadata', 'namespace'])) || context.namespace;

function insertRule(doc: Document, form: Form, context: Context, count: number): number {
  const match = writeMatch(form);
  // Each time an object of its own: the same one twice would become an alias.
  const route = () => [{ destination: { host: hostIn(namespaceOf(doc, context), context) } }];
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

const destinationsAt = (doc: Document, at: At, context: Context): Destination[] =>
  destinationsOf(object(plain(doc, at)), namespaceOf(doc, context), context);

const writers: Record<Intent, (doc: Document, at: At, form: Form, context: Context) => void> = {
  split(doc, at, form, context) {
    for (const { version } of context.versions) {
      const subset = subsetOf(version, context);
      const share = form.shares[version] || '0';
      const known = destinationsAt(doc, at, context).filter((d) => d.known);
      // A destination without subset is all versions: it becomes the first that has none of its own.
      const all = Number(share) > 0 ? known.find((d) => d.subset === '') : undefined;
      const found = known.find((d) => d.subset === subset) ?? all;
      if (found) {
        put(doc, [...at, 'route', found.index, 'destination', 'subset'], subset);
        putWeight(doc, [...at, 'route', found.index], share);
      } else if (Number(share) > 0) {
        const host = known[0]?.host ?? hostIn(namespaceOf(doc, context), context);
        doc.addIn([...at, 'route'], node(doc, { destination: { host, subset }, weight: Number(share) }));
      }
    }
    // All versions have their share: nothing is left for all of them together.
    const rest = destinationsAt(doc, at, context).find((d) => d.known && d.subset === '');
    if (rest) {
      put(doc, [...at, 'route', rest.index], undefined);
    }
  },
  route(doc, at, form, context) {
    const subset = subsetOf(form.to, context);
    const list = destinationsAt(doc, at, context).filter((d) => d.own);
    const kept = list.find((d) => d.subset === subset) ?? list.find((d) => d.subset === '') ?? list[0];
    const route = doc.getIn([...at, 'route']);
    if (!isSeq(route) || route.items.length === 0) {
      const host = hostIn(namespaceOf(doc, context), context);
      doc.setIn([...at, 'route'], node(doc, [{ destination: { host, subset } }]));
    } else if (kept) {
      route.items.splice(0, route.items.length, route.items[kept.index]);
      put(doc, [...at, 'route', 0, 'destination', 'subset'], subset);
      put(doc, [...at, 'route', 0, 'weight'], undefined);
    }
  },
  fault(doc, at, form) {
    const delay = [...at, 'fault', 'delay'];
    putTyped(doc, [...delay, 'fixedDelay'], form.delay);
    if (form.delay === '') {
      put(doc, [...delay, 'percentage'], undefined);
      put(doc, [...delay, 'percent'], undefined);
    } else {
      putShare(doc, [...delay, 'percentage'], form.delayPercent, '0', [...delay, 'percent']);
    }
    const abort = [...at, 'fault', 'abort'];
    const was = object(plain(doc, abort));
    if (form.abort !== '') {
      putTyped(doc, [...abort, 'httpStatus'], form.abort, Number(form.abort));
      // A request fails in one way: the status takes the place of another one.
      put(doc, [...abort, 'grpcStatus'], undefined);
      put(doc, [...abort, 'http2Error'], undefined);
      putShare(doc, [...abort, 'percentage'], form.abortPercent, '0');
    } else if (was.httpStatus !== undefined) {
      put(doc, [...abort, 'httpStatus'], undefined);
      if (was.grpcStatus === undefined && was.http2Error === undefined) {
        put(doc, [...abort, 'percentage'], undefined);
      }
    }
    tidy(doc, delay);
    tidy(doc, abort);
    tidy(doc, [...at, 'fault']);
  },
  mirror(doc, at, form, context) {
    const namespace = namespaceOf(doc, context);
    const subset = subsetOf(form.mirrorTo, context);
    const own = (d: unknown) => isService(text(object(d).host), namespace, context);
    const listed = array(plain(doc, [...at, 'mirrors']));
    const i = listed.findIndex((m) => own(object(m).destination));
    if (i >= 0) {
      put(doc, [...at, 'mirrors', i, 'destination', 'subset'], subset);
      putShare(doc, [...at, 'mirrors', i, 'percentage'], form.mirrorPercent, '100');
    } else if (listed.length > 0) {
      const destination = { host: hostIn(namespace, context), subset };
      const percentage = { value: Number(form.mirrorPercent) };
      doc.addIn([...at, 'mirrors'], node(doc, { destination, percentage }));
    } else {
      if (!doc.hasIn([...at, 'mirror'])) {
        put(doc, [...at, 'mirror', 'host'], hostIn(namespace, context));
      }
      put(doc, [...at, 'mirror', 'subset'], subset);
      putShare(doc, [...at, 'mirrorPercentage'], form.mirrorPercent, '100', [...at, 'mirrorPercent']);
    }
  },
  resilience(doc, at, form) {
    putTyped(doc, [...at, 'timeout'], form.timeout);
    const retries = [...at, 'retries'];
    // Who takes the number of retries away wants none: what only made them finer goes along.
    const none = form.attempts === '' && doc.hasIn([...retries, 'attempts']);
    putTyped(doc, [...retries, 'attempts'], form.attempts, Number(form.attempts));
    putTyped(doc, [...retries, 'perTryTimeout'], none ? '' : form.perTry);
    putTyped(doc, [...retries, 'retryOn'], none ? '' : form.retryOn);
    tidy(doc, retries);
  },
  redirect(doc, at, form, context) {
    const [is, isNot] = form.action === 'redirect' ? ['redirect', 'rewrite'] : ['rewrite', 'redirect'];
    put(doc, [...at, isNot], undefined);
    putTyped(doc, [...at, is, 'uri'], form.uri);
    putTyped(doc, [...at, is, 'authority'], form.authority);
    if (is === 'redirect') {
      // Without a status it is 301.
      if (text(plain(doc, [...at, is, 'redirectCode'])) !== '' || form.code !== '301') {
        putTyped(doc, [...at, is, 'redirectCode'], form.code, Number(form.code));
      }
      put(doc, [...at, 'route'], undefined); // a rule redirects or routes, never both
    } else if (!doc.hasIn([...at, 'route'])) {
      const host = hostIn(namespaceOf(doc, context), context);
      doc.setIn([...at, 'route'], node(doc, [{ destination: { host } }]));
    }
  },
  headers(doc, at, form) {
    for (const on of ['request', 'response'] as const) {
      const side = [...at, 'headers', on];
      const of = (op: HeaderEdit['op']) => form.headers.filter((h) => h.on === on && h.op === op);
      for (const op of ['set', 'add'] as const) {
        const list = of(op);
        for (const name of Object.keys(object(plain(doc, [...side, op])))) {
          if (!list.some((h) => h.name === name)) {
            put(doc, [...side, op, name], undefined);
          }
        }
        for (const { name, value } of list) {
          putTyped(doc, [...side, op, name], value);
        }
        tidy(doc, [...side, op]);
      }
      const gone = of('remove').map((h) => h.name);
      put(doc, [...side, 'remove'], gone.length > 0 ? gone : undefined);
      tidy(doc, side);
    }
    tidy(doc, [...at, 'headers']);
  },
};

/** Writes the weight of a destination; one that stands alone needs none to get everything. */
function putWeight(doc: Document, destination: At, share: string): void {
  const route = doc.getIn(destination.slice(0, -1));
  const alone = isSeq(route) && route.items.length === 1;
  if (!(alone && share === '100' && !doc.hasIn([...destination, 'weight']))) {
    putTyped(doc, [...destination, 'weight'], share, Number(share));
  }
}

/** Writes a percentage, unless it is what the field, an older one, or no field at all says already. */
function putShare(doc: Document, at: At, typed: string, unsaid: string, older?: At): void {
  const now = object(plain(doc, at)).value ?? (older && plain(doc, older)) ?? unsaid;
  if (text(now) === typed) {
    return;
  }
  if (older) {
    put(doc, older, undefined);
  }
  put(doc, [...at, 'value'], Number(typed));
}
