import { useSyncExternalStore } from 'react';
import type { Language } from '../lib/format';
import { useLanguage } from './texts';

/** The words about one code, as mesh/validate/text has them. */
export interface FindingWords {
  /** With {parameters} of the finding; [a part in brackets] goes with the parameters in it. */
  readonly message: string;
  readonly why: string;
  readonly fix: string;
  readonly example?: string;
  readonly severity?: 'error' | 'warning' | 'info';
  /** The code of the same check in other tools. */
  readonly sameAs?: string;
}

export type FindingCatalogue = Readonly<Record<string, FindingWords>>;

/** The words are many: a language's are loaded when the first finding is shown. */
const files = import.meta.glob<FindingCatalogue>('./findings.*.json', { import: 'default' });
const loaded = new Map<Language, FindingCatalogue>();
const loading = new Set<Language>();
const listeners = new Set<() => void>();

function load(language: Language): void {
  const file = files[`./findings.${language}.json`];
  if (!file || loading.has(language)) {
    return;
  }
  loading.add(language);
  file().then(
    (catalogue) => {
      loaded.set(language, catalogue);
      for (const changed of listeners) {
        changed();
      }
    },
    () => loading.delete(language), // the next that asks tries again
  );
}

/** The words of all codes in the language of the page; undefined until they are there. */
export function useFindingCatalogue(): FindingCatalogue | undefined {
  const language = useLanguage();
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      load(language);
      return () => listeners.delete(changed);
    },
    () => loaded.get(language),
  );
}

const places = /\{(\w+)\}/g;

/** Codes that stand for many things: only the finding itself says which one was refused, and why. */
const manifold = /^HDL(0|100[123])/;

/** What a finding is made of, as far as words go. */
export interface FindingLike {
  readonly code: string;
  readonly message: string;
  readonly params?: Readonly<Record<string, string>> | undefined;
}

/**
 * The sentence of a finding: the catalogue's with the finding's values, or the server's own
 * where the catalogue only explains the code, or where a value is missing.
 */
export function findingMessage(finding: FindingLike, catalogue: FindingCatalogue | undefined): string {
  const template = manifold.test(finding.code) ? undefined : catalogue?.[finding.code]?.message;
  if (!template) {
    return finding.message;
  }
  const value = (name: string) => finding.params?.[name] || undefined;
  // A part in brackets is left out when a value in it is missing.
  const optional = template.replace(/\[([^\]]*)\]/g, (_, part: string) =>
    [...part.matchAll(places)].every(([, name = '']) => value(name) !== undefined) ? part : '',
  );
  let complete = true;
  const text = optional.replace(places, (place, name: string) => {
    complete &&= value(name) !== undefined;
    return value(name) ?? place;
  });
  return complete ? text : finding.message;
}
