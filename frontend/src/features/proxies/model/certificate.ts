/** What a person wants to know of a certificate. */
export interface Certificate {
  readonly from: number;
  readonly until: number;
  /** Names that it is good for: DNS names, addresses and SPIFFE IDs. */
  readonly names: readonly string[];
}

interface Part {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** The parts of a DER value, one after the other. */
function parts(der: Uint8Array, start: number, end: number): Part[] {
  const found: Part[] = [];
  let at = start;
  while (at + 1 < end) {
    const tag = der[at] ?? 0;
    let length = der[at + 1] ?? 0;
    let head = 2;
    if (length & 0x80) {
      const bytes = length & 0x7f;
      length = 0;
      for (let i = 0; i < bytes; i++) {
        length = length * 256 + (der[at + 2 + i] ?? 0);
      }
      head += bytes;
    }
    const from = at + head;
    if (from + length > end) {
      break;
    }
    found.push({ tag, start: from, end: from + length });
    at = from + length;
  }
  return found;
}

const text = (der: Uint8Array, part: Part) => String.fromCharCode(...der.slice(part.start, part.end));

/** A time of X.509: two digits of the year (UTCTime), or four (GeneralizedTime). */
function time(der: Uint8Array, part: Part): number {
  const digits = text(der, part);
  const year = part.tag === 0x17 ? (digits < '50' ? '20' : '19') + digits.slice(0, 2) : digits.slice(0, 4);
  const rest = digits.slice(part.tag === 0x17 ? 2 : 4);
  const two = (i: number) => rest.slice(i, i + 2);
  return Date.parse(`${year}-${two(0)}-${two(2)}T${two(4)}:${two(6)}:${two(8)}Z`);
}

const subjectAltName = [0x55, 0x1d, 0x11].join();

function altNames(der: Uint8Array, extensions: Part): string[] {
  const [list] = parts(der, extensions.start, extensions.end);
  for (const extension of list ? parts(der, list.start, list.end) : []) {
    const inside = parts(der, extension.start, extension.end);
    const [id] = inside;
    const value = inside.at(-1);
    if (!id || !value || der.slice(id.start, id.end).join() !== subjectAltName) {
      continue;
    }
    const [names] = parts(der, value.start, value.end);
    return (names ? parts(der, names.start, names.end) : []).flatMap((name) => {
      if (name.tag === 0x82 || name.tag === 0x86) {
        return [text(der, name)];
      }
      return name.tag === 0x87 && name.end - name.start === 4 ? [der.slice(name.start, name.end).join('.')] : [];
    });
  }
  return [];
}

/** Reads the first certificate of a PEM text; undefined when it is none. */
export function readCertificate(pem: string): Certificate | undefined {
  const body = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END/.exec(pem)?.[1];
  if (!body) {
    return;
  }
  let der: Uint8Array;
  try {
    der = Uint8Array.from(atob(body.replace(/\s/g, '')), (c) => c.charCodeAt(0));
  } catch {
    return;
  }
  const [whole] = parts(der, 0, der.length);
  const [signed] = whole ? parts(der, whole.start, whole.end) : [];
  const fields = signed ? parts(der, signed.start, signed.end) : [];
  // The version is left out of old certificates; validity follows serial, algorithm and issuer.
  const validity = fields[fields[0]?.tag === 0xa0 ? 4 : 3];
  const [from, until] = validity ? parts(der, validity.start, validity.end) : [];
  if (!from || !until) {
    return;
  }
  const extensions = fields.find((f) => f.tag === 0xa3);
  return { from: time(der, from), until: time(der, until), names: extensions ? altNames(der, extensions) : [] };
}
