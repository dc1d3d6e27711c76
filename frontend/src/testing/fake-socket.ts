import type { ClientMessage, ServerMessage } from '../api/live/protocol';

/** A websocket whose other end is the test. */
export class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: ClientMessage[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }

  close(code = 1000): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  tell(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The id under which a topic was last subscribed. */
  idOf(topic: string): string {
    const of = this.sent.filter((m) => 'subscribe' in m && m.subscribe.topic === topic).at(-1);
    return of && 'subscribe' in of ? of.subscribe.id : '';
  }
}
