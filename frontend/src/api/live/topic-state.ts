import { sameJson } from '../../lib/json';
import type { StateMessage } from './protocol';

/** Elements by their id. */
export type Elements = ReadonlyMap<string, unknown>;

/**
 * What one subscription has been told. Messages are taken at once and shown together by
 * `show`, which says what became different; so a burst of patches draws once.
 */
export class TopicState {
  /** What is shown. Replaced, never changed, so that it can be compared by identity. */
  elements: Elements = new Map();
  /** Whether a whole state was ever shown. */
  ready = false;
  error: { code: string; detail: string } | null = null;

  private epoch = '';
  private told = new Map<string, unknown>();
  private touched = new Set<string>();
  private whole = false;

  /** Takes a message; false when it does not fit what came before, and the whole must be asked for. */
  take(message: StateMessage): boolean {
    if (message.whole) {
      const before = this.told;
      this.told = new Map();
      for (const [id, element] of Object.entries(message.put ?? {})) {
        // An equal element stays the same object: nothing that shows it draws again.
        const known = before.get(id);
        this.told.set(id, sameJson(known, element) ? known : element);
      }
      for (const id of [...before.keys(), ...this.told.keys()]) {
        this.touched.add(id);
      }
      this.epoch = message.epoch;
      this.whole = true;
      this.error = null;
      return true;
    }
    if (!this.epoch || message.epoch !== this.epoch) {
      return false;
    }
    for (const [id, element] of Object.entries(message.put ?? {})) {
      this.told.set(id, element);
      this.touched.add(id);
    }
    for (const id of message.del ?? []) {
      this.told.delete(id);
      this.touched.add(id);
    }
    return true;
  }

  /** Whether there is something to show. */
  get pending(): boolean {
    return this.touched.size > 0 || (this.whole && !this.ready);
  }

  /** Shows what was taken. Returns the ids whose element differs from before. */
  show(): string[] {
    const changed = [...this.touched].filter((id) => this.elements.get(id) !== this.told.get(id));
    this.touched.clear();
    if (this.whole) {
      this.ready = true;
    }
    if (changed.length > 0) {
      this.elements = new Map(this.told);
    }
    return changed;
  }

  /** Forgets where it was: the next message must be a whole one. What is shown stays. */
  restart(): void {
    this.epoch = '';
  }
}
