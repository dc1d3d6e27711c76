/**
 * The class of the weave that tells the version at a place among its kin: plain, twill and rib in
 * the accent, then the same three in its middle tone.
 */
export const weave = (place: number): string => `v${place % 6}`;
