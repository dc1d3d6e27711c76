/** What a person wants to do to the traffic of a service. */
export const intents = ['split', 'route', 'fault', 'mirror', 'resilience', 'redirect', 'headers'] as const;
export type Intent = (typeof intents)[number];

export const isIntent = (text: string | undefined): text is Intent => intents.some((i) => i === text);

/** A version of the service, and the subset that stands for it; '' where none does yet. */
export interface Version {
  readonly version: string;
  readonly subset: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What the forms need to know of the service. */
export interface Context {
  readonly namespace: string;
  readonly name: string;
  readonly versions: readonly Version[];
}

/** "other" is only read: conditions that were written by hand and no field of the form says. */
export type MatchBy = 'all' | 'header' | 'cookie' | 'path' | 'user' | 'other';
export type MatchHow = 'exact' | 'prefix' | 'regex';

export interface HeaderEdit {
  readonly on: 'request' | 'response';
  readonly op: 'set' | 'add' | 'remove';
  readonly name: string;
  readonly value: string;
}

/** What a rule does that the form has no field for: it is said, and stays as it is. */
export interface ByHand {
  /** Destinations that are none of the versions, as a person names them. */
  readonly destinations: readonly string[];
  /** Their share in percent; undefined where the weights of the rule do not add up to 100. */
  readonly elsewhere: number | undefined;
  /** Those of the destinations that are other services. */
  readonly services: readonly string[];
  /** Another service that a copy goes to; '' for none. */
  readonly mirror: string;
  /** An error on purpose that is no status: "gRPC UNAVAILABLE"; '' for none. */
  readonly abort: string;
  /** What the rule does instead of leading to destinations; '' where it does lead there. */
  readonly action: '' | 'redirect' | 'directResponse' | 'delegate';
  /** Paths are rewritten by a regular expression. */
  readonly regexRewrite: boolean;
}

export const nothingByHand: ByHand = {
  destinations: [],
  elsewhere: 0,
  services: [],
  mirror: '',
  abort: '',
  action: '',
  regexRewrite: false,
};

/** What is typed, as it is typed. Empty is: not set. */
export interface Form {
  /** The rule (http route) that is changed, or a new one that stands first. */
  readonly where: number | 'new';
  readonly by: MatchBy;
  readonly matchName: string;
  readonly how: MatchHow;
  readonly matchValue: string;
  /** Shares in percent, by version. */
  readonly shares: Readonly<Record<string, string>>;
  /** The version that all requests of the rule go to. */
  readonly to: string;
  readonly delay: string;
  readonly delayPercent: string;
  readonly abort: string;
  readonly abortPercent: string;
  readonly mirrorTo: string;
  readonly mirrorPercent: string;
  readonly timeout: string;
  readonly attempts: string;
  readonly perTry: string;
  readonly retryOn: string;
  readonly action: 'redirect' | 'rewrite';
  readonly uri: string;
  readonly authority: string;
  readonly code: string;
  readonly headers: readonly HeaderEdit[];
  /** What else the chosen rule does. */
  readonly byHand: ByHand;
}

export const emptyForm: Form = {
  where: 'new',
  by: 'all',
  matchName: '',
  how: 'exact',
  matchValue: '',
  shares: {},
  to: '',
  delay: '',
  delayPercent: '100',
  abort: '',
  abortPercent: '100',
  mirrorTo: '',
  mirrorPercent: '100',
  timeout: '',
  attempts: '',
  perTry: '',
  retryOn: '',
  action: 'rewrite',
  uri: '',
  authority: '',
  code: '301',
  headers: [],
  byHand: nothingByHand,
};

/** The header that a user's name travels in. */
export const userHeader = 'end-user';

/** Milliseconds of a duration such as 500ms, 1.5s or 1h2m; undefined when it is none. */
export function milliseconds(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) {
    return undefined;
  }
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let sum = 0;
  for (const [, value, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|h|m|s)/g)) {
    sum += Number(value) * (units[unit ?? ''] ?? 0);
  }
  return sum;
}

export type Mistake =
  | 'required'
  | 'percent'
  | 'sum'
  | 'duration'
  | 'status'
  | 'token'
  | 'path'
  | 'regex'
  | 'redirectCode'
  | 'attempts'
  | 'longer'
  | 'nothing'
  | 'twice'
  | 'sumWithRest'
  | 'elsewhere'
  | 'otherMirror'
  | 'noDestinations'
  | 'regexRewrite';

/** What is wrong in the form, by field; a header's fields are "headers.0.name". */
export type Mistakes = Readonly<Record<string, Mistake>>;

const percent = (text: string) => /^\d{1,3}(\.\d+)?$/.test(text) && Number(text) <= 100;
const token = (text: string) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);

function compiles(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Checks what is typed, so that a mistake stands at its field before anything is previewed. */
export function mistakes(intent: Intent, form: Form, context: Context): Mistakes {
  const wrong: Record<string, Mistake> = {};
  matchMistakes(intent, form, wrong);
  checks[intent](form, wrong, context);
  return wrong;
}

function matchMistakes(intent: Intent, form: Form, wrong: Record<string, Mistake>): void {
  if (form.where !== 'new') {
    return;
  }
  if (form.by === 'all') {
    if (intent === 'route') {
      wrong.by = 'required';
    }
    return;
  }
  if (form.by === 'header' || form.by === 'cookie') {
    if (form.matchName === '') {
      wrong.matchName = 'required';
    } else if (!token(form.matchName)) {
      wrong.matchName = 'token';
    }
  }
  if (form.matchValue === '') {
    wrong.matchValue = 'required';
  } else if (form.by === 'path' && form.how !== 'regex' && !form.matchValue.startsWith('/')) {
    wrong.matchValue = 'path';
  } else if (form.how === 'regex' && form.by !== 'cookie' && !compiles(form.matchValue)) {
    wrong.matchValue = 'regex';
  }
}

const checks: Record<Intent, (form: Form, wrong: Record<string, Mistake>, context: Context) => void> = {
  split(form, wrong, context) {
    let sum = 0;
    for (const { version } of context.versions) {
      const text = form.shares[version] ?? '0';
      if (!/^\d{1,3}$/.test(text) || Number(text) > 100) {
        wrong[`shares.${version}`] = 'percent';
      }
      sum += Number(text);
    }
    const { action, elsewhere } = form.byHand;
    if (action !== '') {
      wrong.shares = 'noDestinations';
    } else if (elsewhere === undefined || elsewhere >= 100) {
      wrong.shares = 'elsewhere';
    } else if (Object.keys(wrong).length === 0 && sum !== 100 - elsewhere) {
      wrong.shares = elsewhere > 0 ? 'sumWithRest' : 'sum';
    }
  },
  route(form, wrong) {
    if (form.byHand.action !== '') {
      wrong.to = 'noDestinations';
    } else if (form.byHand.services.length > 0) {
      wrong.to = 'elsewhere';
    } else if (form.to === '') {
      wrong.to = 'required';
    }
  },
  fault(form, wrong) {
    if (form.byHand.action !== '') {
      wrong.delay = 'noDestinations';
    } else if (form.delay === '' && form.abort === '' && form.byHand.abort === '') {
      wrong.delay = 'nothing';
    } else if (form.delay !== '') {
      if (!milliseconds(form.delay)) {
        wrong.delay = 'duration';
      }
      if (!percent(form.delayPercent)) {
        wrong.delayPercent = 'percent';
      }
    }
    if (form.abort !== '') {
      if (!/^[2-5]\d\d$/.test(form.abort)) {
        wrong.abort = 'status';
      }
      if (!percent(form.abortPercent)) {
        wrong.abortPercent = 'percent';
      }
    }
  },
  mirror(form, wrong) {
    if (form.byHand.action !== '') {
      wrong.mirrorTo = 'noDestinations';
    } else if (form.byHand.mirror !== '') {
      wrong.mirrorTo = 'otherMirror';
    } else if (form.mirrorTo === '') {
      wrong.mirrorTo = 'required';
    }
    if (!percent(form.mirrorPercent)) {
      wrong.mirrorPercent = 'percent';
    }
  },
  resilience(form, wrong) {
    const timeout = milliseconds(form.timeout);
    const perTry = milliseconds(form.perTry);
    if (form.timeout === '' && form.attempts === '') {
      wrong.timeout = 'nothing';
    } else if (form.timeout !== '' && !timeout) {
      wrong.timeout = 'duration';
    }
    if (form.attempts !== '' && !/^\d{1,2}$/.test(form.attempts)) {
      wrong.attempts = 'attempts';
    }
    if (form.perTry !== '') {
      if (!perTry) {
        wrong.perTry = 'duration';
      } else if (timeout && perTry > timeout) {
        wrong.perTry = 'longer';
      }
      if (form.attempts === '') {
        wrong.attempts = 'required';
      }
    }
  },
  redirect(form, wrong) {
    if (form.byHand.action !== '' && form.byHand.action !== 'redirect') {
      wrong.uri = 'noDestinations';
    } else if (form.byHand.regexRewrite && (form.uri !== '' || form.action === 'redirect')) {
      wrong.uri = 'regexRewrite';
    } else if (form.uri === '' && form.authority === '') {
      wrong.uri = 'nothing';
    } else if (form.uri !== '' && !form.uri.startsWith('/')) {
      wrong.uri = 'path';
    }
    if (form.action === 'redirect' && !/^30[12378]$/.test(form.code)) {
      wrong.code = 'redirectCode';
    }
  },
  headers(form, wrong) {
    if (form.headers.length === 0) {
      wrong.headers = 'nothing';
    }
    const seen = new Set<string>();
    form.headers.forEach((h, i) => {
      const key = `${h.on} ${h.op} ${h.name.toLowerCase()}`;
      if (h.name === '') {
        wrong[`headers.${i}.name`] = 'required';
      } else if (!token(h.name)) {
        wrong[`headers.${i}.name`] = 'token';
      } else if (seen.has(key)) {
        wrong[`headers.${i}.name`] = 'twice';
      }
      if (h.op !== 'remove' && h.value === '') {
        wrong[`headers.${i}.value`] = 'required';
      }
      seen.add(key);
    });
  },
};
