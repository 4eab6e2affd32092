/** Whether the server answers: what the live mark in the corner says. */

export interface Connection {
  online: boolean;
  /** Since when, Unix milliseconds; 0 before the first answer. */
  sinceMs: number;
}

let current: Connection = { online: true, sinceMs: 0 };
const listeners = new Set<() => void>();

function set(next: Connection): void {
  current = next;
  listeners.forEach((each) => each());
}

export const connection = {
  heard(): void {
    if (!current.online || current.sinceMs === 0) set({ online: true, sinceMs: Date.now() });
  },
  lost(): void {
    if (current.online) set({ online: false, sinceMs: Date.now() });
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  get(): Connection {
    return current;
  },
};
