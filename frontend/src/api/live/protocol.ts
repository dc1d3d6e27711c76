/** Messages of /api/v1/live. */

export type Topic = 'graph' | 'findings' | 'proxies' | 'objects' | 'parts' | 'delivery' | 'split' | 'events';
export type Params = Record<string, string | number | boolean>;

export type ClientMessage =
  | { subscribe: { id: string; topic: Topic; params: Params } }
  | { unsubscribe: { id: string } };

/** A state topic: whole replaces everything, otherwise put and del apply on what was sent before. */
export interface StateMessage {
  id: string;
  epoch: string;
  seq: number;
  whole?: boolean;
  put?: Record<string, unknown>;
  del?: string[];
}

export interface LiveEvent {
  seq: number;
  at: string;
  type: string;
  params: Record<string, unknown>;
}

/** The events topic: what happened since, or resync where that is forgotten. */
export interface EventsMessage {
  id: string;
  epoch: string;
  /** The last event that there is, to ask for those after it. */
  seq: number;
  events: LiveEvent[];
  resync?: boolean;
}

export interface ErrorMessage {
  id: string;
  error: { code: string; detail: string };
}

export type ServerMessage = StateMessage | EventsMessage | ErrorMessage;

/** The socket closes with this when the session has ended. */
export const closeSessionEnded = 4401;
