import type { Ref, ServeProxyStatus } from '../generated/types.gen';

/** Elements of the live topics that the shell itself shows. Those of a page lie in its feature. */

/** Topic objects: one object of the configuration. */
export interface LiveObject {
  ref: Ref;
  etag: string;
  state: 'ok' | 'info' | 'warning' | 'error' | 'rejected';
  findings: { error: number; warning: number; info: number };
  hosts?: string[];
  services?: string[];
  changed?: { at: string; actor: string; change: string };
  notSupported?: boolean;
}

/** Topic parts: how one of Heddle's own parts is. The element's id names it. */
export interface LivePart {
  state: 'ok' | 'stale' | 'away';
  since: string;
  code?: string;
  params?: Record<string, string>;
  detail?: string;
}

/** Topic proxies: what a proxy was sent and took, and what it refused last. */
export interface LiveProxy extends ServeProxyStatus {
  workload?: string;
  pod?: string;
  ready?: boolean;
  rps?: number;
  refused?: { type: string; resource?: string; message: string; refs?: Ref[]; at: string }[] | null;
}
