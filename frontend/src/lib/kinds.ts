/** How an object is named: what findings, changes and links carry. */
export interface ObjectName {
  readonly group?: string | undefined;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

const istio = 'networking.istio.io';

/** The word for a kind in an address. Two kinds are called Gateway: Istio's is the one without group. */
export const kindWord = ({ kind, group }: { kind: string; group?: string | undefined }): string =>
  kind === 'Gateway' && group && group !== istio ? `${kind}.${group}` : kind;

/** The word for a kind that the API understands without doubt. */
export const apiKind = (word: string): string => (word === 'Gateway' ? `Gateway.${istio}` : word);

/** The name of a kind, from its word in an address. */
export const kindName = (word: string): string => word.split('.')[0] ?? word;

/** Whether an object is the one that an address names. */
export function isNamed(
  ref: ObjectName,
  at: { readonly kind: string; readonly namespace: string; readonly name: string },
): boolean {
  return kindWord(ref) === at.kind && (ref.namespace || '_') === at.namespace && ref.name === at.name;
}

/** The parts of an object's address. */
export const addressOf = (ref: ObjectName): { kind: string; namespace: string; name: string } => ({
  kind: kindWord(ref),
  namespace: ref.namespace || '_',
  name: ref.name,
});

/** "bookinfo/reviews"; only the name of what has no namespace. */
export const placeName = (ref: ObjectName): string => (ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name);

/** "VirtualService bookinfo/reviews". */
export const fullName = (ref: ObjectName): string => `${ref.kind} ${placeName(ref)}`;

const traffic = ['VirtualService', 'DestinationRule', 'ServiceEntry'];
const meshGroup = /(^|\.)(istio\.io|gateway\.networking\.k8s\.io)$/;

/** Whether objects of a kind configure the mesh; the others run programs or hold their secrets. */
export const isMeshKind = ({ group }: Pick<ObjectName, 'group'>): boolean => meshGroup.test(group ?? '');

/**
 * What writing an object needs, as the server decides it: rules about traffic, other mesh kinds,
 * and what runs programs, which nobody writes from a browser.
 */
export const neededToWrite = (ref: Pick<ObjectName, 'group' | 'kind'>): 'editTraffic' | 'admin' | 'owner' =>
  !isMeshKind(ref) ? 'owner' : traffic.includes(ref.kind) ? 'editTraffic' : 'admin';

/** The least role that may write all of these objects; the owner sits at the machine itself. */
export function roleToWrite(refs: readonly Pick<ObjectName, 'group' | 'kind'>[]): 'operator' | 'admin' | 'owner' {
  const needed = refs.map(neededToWrite);
  return needed.includes('owner') ? 'owner' : needed.includes('admin') ? 'admin' : 'operator';
}
