import type { Ref, Setting } from '../../../api/generated/types.gen';

/** A service by its place, as addresses have it. */
export interface ServicePlace {
  readonly namespace: string;
  readonly name: string;
}

/** The services behind hosts; those of other places than the mesh have no settings of their own. */
export const servicesOf = (hosts: readonly string[] | null | undefined): ServicePlace[] =>
  (hosts ?? []).flatMap((host) => {
    const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc\./.exec(host) ?? [];
    return name && namespace ? [{ namespace, name }] : [];
  });

/** What one object decides, and where in it. */
export interface Decided {
  readonly setting: Setting;
  /** The field and its line, where it is this object that has them. */
  readonly path?: string | undefined;
  readonly line?: number | undefined;
}

const same = (a: Ref, b: Ref) =>
  a.kind === b.kind && (a.group ?? '') === (b.group ?? '') && a.namespace === b.namespace && a.name === b.name;

/** The settings that an object decides, alone or with others, each once. */
export function decidedBy(settings: readonly Setting[], ref: Ref): Decided[] {
  const found = settings.flatMap((setting): Decided[] => {
    const at = (setting.from ?? []).findIndex((from) => same(from, ref));
    return at < 0 ? [] : [{ setting, ...(at === 0 ? { path: setting.path, line: setting.line } : {}) }];
  });
  // Two services of one workload have what a rule says to both only once.
  const seen = new Set<string>();
  return found.filter(({ setting, path }) => {
    const key = [setting.setting, setting.value, setting.rule, path].join('\n');
    return !seen.has(key) && seen.add(key);
  });
}
