/**
 * Figures as a person reads them: at most three significant digits, never a jumping width, a
 * no-break space between number and unit. Each returns number and unit apart, because the unit
 * is dimmer and smaller; `plain` joins them.
 */
export interface Figure {
  readonly value: string;
  readonly unit: string;
}

const digits = (n: number) => new Intl.NumberFormat('en-US', { minimumFractionDigits: n, maximumFractionDigits: n });
const whole = digits(0);
const one = digits(1);
const two = digits(2);

const NBSP = '\u00a0';

export const plain = (f: Figure): string => (f.unit ? `${f.value}${NBSP}${f.unit}` : f.value);

/** 4.3, 41.2, 141, 1,290; below 0.05 of one decimal "0", or what is left of it in two digits. */
export function number(v: number): string {
  if (!Number.isFinite(v)) {
    return '–';
  }
  const size = Math.abs(v);
  if (size === 0) {
    return '0';
  }
  if (size >= 99.95) {
    return whole.format(Number(v.toPrecision(3)));
  }
  if (size >= 0.095) {
    return one.format(v);
  }
  return size < 0.005 ? `<${NBSP}0.01` : two.format(v);
}

/** Requests in a second. */
export function rate(rps: number, unit = 'rps'): Figure {
  return { value: number(rps), unit };
}

/** A share of one, as per cent: 0.246 is 24.6 %, 0.49 is 49 %. "0" is exactly none. */
export function share(part: number): Figure {
  const pct = part * 100;
  if (!Number.isFinite(pct)) {
    return { value: '–', unit: '%' };
  }
  if (pct === 0 || pct === 100) {
    return { value: whole.format(pct), unit: '%' };
  }
  if (pct < 0.05) {
    return { value: '<'.concat(NBSP, '0.1'), unit: '%' };
  }
  if (pct > 99.95) {
    return { value: `>${NBSP}99.9`, unit: '%' };
  }
  return { value: one.format(pct), unit: '%' };
}

/** The difference of two shares, in percentage points, with its sign. */
export function points(difference: number): Figure {
  const pp = difference * 100;
  if (Math.abs(pp) < 0.05) {
    return { value: '±0', unit: 'pp' };
  }
  return { value: `${pp > 0 ? '+' : '−'}${one.format(Math.abs(pp))}`, unit: 'pp' };
}

/** 9 ms, 412 ms, 1.02 s, 75 s: the time that something took, from milliseconds. */
export function duration(ms: number): Figure {
  if (!Number.isFinite(ms)) {
    return { value: '–', unit: 'ms' };
  }
  if (ms >= 99_950) {
    return { value: whole.format(ms / 1000), unit: 's' };
  }
  if (ms >= 9_995) {
    return { value: one.format(ms / 1000), unit: 's' };
  }
  if (ms >= 999.5) {
    return { value: two.format(ms / 1000), unit: 's' };
  }
  if (ms >= 9.95 || ms === 0) {
    return { value: whole.format(ms), unit: 'ms' };
  }
  return { value: ms < 0.05 ? `<${NBSP}0.1` : one.format(ms), unit: 'ms' };
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** 212 kB, 4.1 MB: decimal units, as networks count. */
export function bytes(n: number): Figure {
  let v = n;
  let i = 0;
  while (Math.abs(v) >= 999.5 && i < byteUnits.length - 1) {
    v /= 1000;
    i++;
  }
  const value = i === 0 ? whole.format(v) : Math.abs(v) >= 9.95 ? whole.format(v) : one.format(v);
  return { value, unit: byteUnits[i] ?? 'B' };
}

/** Bytes in a second. */
export function byteRate(n: number): Figure {
  const { value, unit } = bytes(n);
  return { value, unit: `${unit}/s` };
}

/** The largest unit of a span of time with its count: 26 minutes, 5 hours. */
export interface Span {
  readonly count: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day';
}

export function span(seconds: number): Span {
  const s = Math.max(0, seconds);
  if (s < 60) {
    return { count: Math.floor(s), unit: 'second' };
  }
  if (s < 3600) {
    return { count: Math.floor(s / 60), unit: 'minute' };
  }
  if (s < 48 * 3600) {
    return { count: Math.floor(s / 3600), unit: 'hour' };
  }
  return { count: Math.floor(s / 86_400), unit: 'day' };
}

export type Language = 'en' | 'zh';

const ageWords: Record<Language, Record<Span['unit'], string>> = {
  en: { second: `s ago`, minute: `min ago`, hour: `h ago`, day: `d ago` },
  zh: { second: '秒前', minute: '分钟前', hour: '小时前', day: '天前' },
};
const spanWords: Record<Language, Record<Span['unit'], string>> = {
  en: { second: 's', minute: 'min', hour: 'h', day: 'd' },
  zh: { second: '秒', minute: '分钟', hour: '小时', day: '天' },
};

/** "6 min ago". */
export function age(at: Date | string | number, now: Date | number, language: Language): string {
  const { count, unit } = span((Number(now) - time(at)) / 1000);
  return `${count}${NBSP}${ageWords[language][unit]}`;
}

/** "26 min": how long something lasts, from seconds. */
export function lasting(seconds: number, language: Language): string {
  const { count, unit } = span(seconds);
  return `${count}${NBSP}${spanWords[language][unit]}`;
}

const pad = (n: number, width = 2) => String(n).padStart(width, '0');
const time = (at: Date | string | number) => (typeof at === 'string' ? Date.parse(at) : Number(at));

/** 14:07:58.104 where milliseconds matter, else 14:07:58 or 14:07, in the reader's time zone. */
export function clock(at: Date | string | number, precision: 'minute' | 'second' | 'millisecond' = 'second'): string {
  const d = new Date(time(at));
  const minutes = `${pad(d.getHours())}:${pad(d.getMinutes())}`;
  if (precision === 'minute') {
    return minutes;
  }
  const seconds = `${minutes}:${pad(d.getSeconds())}`;
  return precision === 'second' ? seconds : `${seconds}.${pad(d.getMilliseconds(), 3)}`;
}

/** An instant as far as needed: the time of today, the day of this year, else the date. */
export function instant(at: Date | string | number, now: Date | number): string {
  const d = new Date(time(at));
  const today = new Date(Number(now));
  if (d.toDateString() === today.toDateString()) {
    return clock(d, 'minute');
  }
  const day = `${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(d, 'minute')}`;
  return d.getFullYear() === today.getFullYear() ? day : `${d.getFullYear()}-${day}`;
}

/** 1,290: a count of things, all its digits. */
export const count = (n: number): string => whole.format(n);
