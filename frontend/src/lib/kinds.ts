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

/** What only an administrator may write; who may edit traffic writes the others. */
const traffic = ['VirtualService', 'DestinationRule', 'ServiceEntry'];
export const neededFor = (kind: string): 'editTraffic' | 'admin' => (traffic.includes(kind) ? 'editTraffic' : 'admin');
