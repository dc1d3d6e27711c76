import type { Ref } from '../generated/types.gen';

/** The id of an object in the topic objects: "VirtualService.networking.istio.io/bookinfo/reviews". */
export const objectId = ({ group, kind, namespace, name }: Ref): string =>
  `${kind}${group ? `.${group}` : ''}/${namespace ?? ''}/${name}`;
