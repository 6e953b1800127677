const busy = new Set<string>();
const listeners = new Set<() => void>();

/** Whether something goes on, by name, that a reload would disturb: a call. */
export function setBusy(name: string, on: boolean): void {
  if (busy.has(name) === on) return;
  if (on) busy.add(name);
  else busy.delete(name);
  for (const listener of listeners) listener();
}

export function isBusy(): boolean {
  return busy.size > 0;
}

export function whenBusyChanges(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
