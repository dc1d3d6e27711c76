import { content } from './content';
import { type Destination, destinationsOf, isService, nameOf, versionOf, wholePercents } from './destinations';
import { type ByHand, type Context, emptyForm, type Form, type HeaderEdit, type Intent, nothingByHand } from './form';
import { array, type Json, object, text } from './json';
import { type Condition, formMatch, readConditions } from './match';

/** One http route of a VirtualService, as far as a person needs to choose it. */
export interface RuleSummary {
  readonly index: number;
  readonly name: string;
  /** Which requests it takes: those that meet all of one of the lists; all of them without a list. */
  readonly conditions: readonly (readonly Condition[])[];
}

interface Read {
  /** The namespace that short names in it belong to; '' where it does not say. */
  readonly namespace: string;
  readonly routes: readonly Json[];
}

function read(yaml: string): Read | undefined {
  const all = content(yaml);
  if (all === undefined) {
    return undefined;
  }
  const whole = object(all);
  return {
    namespace: text(object(whole.metadata).namespace),
    routes: array(object(whole.spec).http).map(object),
  };
}

/** The rules of a VirtualService's text; undefined when it cannot be read. */
export function readRules(yaml: string): RuleSummary[] | undefined {
  return read(yaml)?.routes.map((route, index) => ({
    index,
    name: text(route.name),
    conditions: readConditions(route),
  }));
}

/** What a rule says, as the form shows it; a new one is empty. */
export function readForm(yaml: string, where: Form['where'], context: Context): Form {
  const whole = read(yaml);
  const r = where === 'new' ? undefined : whole?.routes[where];
  if (r === undefined) {
    return { ...emptyForm, where };
  }
  const namespace = whole?.namespace || context.namespace;
  const destinations = destinationsOf(r, namespace, context);
  const [only, ...others] = destinations;
  const delay = object(object(r.fault).delay);
  const abort = object(object(r.fault).abort);
  const retries = object(r.retries);
  const redirect = object(r.redirect);
  const moves = r.redirect === undefined ? object(r.rewrite) : redirect;
  const copy = copyOf(r, namespace, context);
  return {
    where,
    ...formMatch(readConditions(r)),
    shares: sharesOf(destinations, context),
    to: only?.known && others.length === 0 ? versionOf(only.subset, context) : '',
    delay: text(delay.fixedDelay),
    // A fault that says no share is for nobody; where there is none yet, a new one begins with all.
    delayPercent: text(object(delay.percentage).value ?? delay.percent ?? (delay.fixedDelay === undefined ? 100 : 0)),
    abort: text(abort.httpStatus),
    abortPercent: text(object(abort.percentage).value ?? (abort.httpStatus === undefined ? 100 : 0)),
    mirrorTo: copy.to,
    mirrorPercent: copy.percent,
    timeout: text(r.timeout),
    attempts: text(retries.attempts),
    perTry: text(retries.perTryTimeout),
    retryOn: text(retries.retryOn),
    action: r.redirect === undefined ? 'rewrite' : 'redirect',
    uri: text(moves.uri),
    authority: text(moves.authority),
    code: text(redirect.redirectCode ?? 301),
    headers: readHeaders(object(r.headers)),
    byHand: readByHand(r, namespace, context),
  };
}

/** Shares in percent. Weights that do not add up to 100 are shown as what they amount to. */
function sharesOf(destinations: readonly Destination[], context: Context): Record<string, string> {
  const known = destinations.filter((d) => d.known);
  const own = known.filter((d) => d.subset !== '');
  const total = known.reduce((n, d) => n + d.weight, 0);
  const exact = total === 0 || total === 100 || known.length < destinations.length;
  const shares = exact ? own.map((d) => d.weight) : wholePercents(own.map((d) => d.weight / total));
  return Object.fromEntries(own.map((d, i) => [versionOf(d.subset, context), text(shares[i])]));
}

/** Where the copy of a request goes, of what the form can say: a version of the service. */
function copyOf(r: Json, namespace: string, context: Context): { to: string; percent: string } {
  const own = (d: Json) => isService(text(d.host), namespace, context);
  const listed = array(r.mirrors)
    .map(object)
    .find((m) => own(object(m.destination)));
  const destination = listed ? object(listed.destination) : object(r.mirror);
  const share = listed ? object(listed.percentage).value : (object(r.mirrorPercentage).value ?? r.mirrorPercent);
  return {
    to: own(destination) ? versionOf(text(destination.subset), context) : '',
    percent: own(destination) ? text(share ?? 100) : '100',
  };
}

function readByHand(r: Json, namespace: string, context: Context): ByHand {
  const destinations = destinationsOf(r, namespace, context);
  const others = destinations.filter((d) => !d.known);
  const sum = (list: typeof destinations) => list.reduce((n, d) => n + d.weight, 0);
  const mirror = object(r.mirror);
  const abort = object(object(r.fault).abort);
  const other = (['grpcStatus', 'http2Error'] as const).find((kind) => abort[kind] !== undefined);
  return {
    ...nothingByHand,
    destinations: others.map(nameOf),
    elsewhere: others.length === 0 ? 0 : sum(destinations) === 100 ? sum(others) : undefined,
    services: destinations.filter((d) => !d.own).map(nameOf),
    mirror:
      r.mirror === undefined || isService(text(mirror.host), namespace, context)
        ? ''
        : nameOf({ host: text(mirror.host), subset: text(mirror.subset) }),
    abort: other ? `${other === 'grpcStatus' ? 'gRPC' : 'HTTP/2'} ${text(abort[other])}` : '',
    action: (['redirect', 'directResponse', 'delegate'] as const).find((key) => r[key] !== undefined) ?? '',
    regexRewrite: object(r.rewrite).uriRegexRewrite !== undefined,
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
  const all = content(yaml);
  return typeof all === 'object' && all !== null && !Array.isArray(all);
};
