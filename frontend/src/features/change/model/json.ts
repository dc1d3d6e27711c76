/** Values of a document that was written by hand: anything may be anything. */
export type Json = Record<string, unknown>;

export const object = (v: unknown): Json =>
  typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Json) : {};
export const array = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
export const text = (v: unknown): string => (typeof v === 'string' || typeof v === 'number' ? String(v) : '');
