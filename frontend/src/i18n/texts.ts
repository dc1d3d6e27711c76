import { type ReactNode, useMemo, useSyncExternalStore } from 'react';
import type { Language } from '../lib/format';
import { i18n, language } from './i18n';
import { rich } from './rich';

/** A catalogue: flat keys to texts; plural forms end in _one and _other. */
type Catalogue = Record<string, string>;

/** The keys that a page asks for: plural forms are one key. */
type Key<C> = Base<Extract<keyof C, string>>;
type Base<K extends string> = K extends `${infer B}_one` | `${infer B}_other` ? B : K;

type Params = Record<string, string | number>;

export interface Texts<C extends Catalogue> {
  /** A text; {{name}} is replaced by params.name, and params.count picks the plural form. */
  (key: Key<C>, params?: Params): string;
  /** A text with elements in the places of {{name}}. */
  rich(key: Key<C>, parts: Record<string, ReactNode>, params?: Params): ReactNode;
  /** A text for a key that is made at run time, or undefined where the catalogue has none. */
  maybe(key: string, params?: Params): string | undefined;
  readonly language: Language;
}

/**
 * Declares the texts of a feature. English decides which keys there are; a test holds the
 * Chinese to it. The hook it returns makes a component follow the language.
 */
export function defineTexts<C extends Catalogue>(namespace: string, en: C, zh: Catalogue): () => Texts<C> {
  i18n.addResourceBundle('en', namespace, en);
  i18n.addResourceBundle('zh', namespace, zh);
  // biome-ignore lint/correctness/noComponentHookFactories: called once for each feature, at module level
  return function useTexts(): Texts<C> {
    const current = useLanguage();
    return useMemo(() => {
      const t = i18n.getFixedT(current, namespace) as (key: string, params?: Params) => string;
      const text = ((key, params) => t(key, params)) as Texts<C>;
      text.rich = (key, parts, params) => {
        // Places of elements are kept as they stand, to be filled after i18next.
        const places = Object.fromEntries(Object.keys(parts).map((name) => [name, `{{${name}}}`]));
        return rich(t(key, { ...places, ...params }), parts);
      };
      text.maybe = (key, params) =>
        i18n.exists(key, { lng: current, ns: namespace, ...params }) ? t(key, params) : undefined;
      Object.defineProperty(text, 'language', { value: current });
      return text;
    }, [current]);
  };
}

/** The language of the page, followed. */
export function useLanguage(): Language {
  return useSyncExternalStore((changed) => {
    i18n.on('languageChanged', changed);
    return () => i18n.off('languageChanged', changed);
  }, language);
}
