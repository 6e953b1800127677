/** What is kept through a reload, so that the page, or the next tab that is the phone, can step into the calls that there were. */
export interface Rejoin {
  call: string;
  local: string;
  remote: string;
  number: string;
  name: string;
  incoming: boolean;
  held: boolean;
  muted: boolean;
  joined: boolean;
  since: number | null;
}

/** For how long the server holds whom we talked to. */
const HELD_MS = 20_000;

/** Keep these calls. What is kept names calls and lets nobody in: that takes the password of the phone. */
export function keepCalls(line: string, calls: Rejoin[], now = Date.now()): void {
  const name = `tongdai.rejoin.${line}`;
  if (calls.length > 0) localStorage.setItem(name, JSON.stringify({ at: now, calls }));
  else localStorage.removeItem(name);
}

/** The calls that were kept, unless they have ended by now. */
export function keptCalls(line: string, now = Date.now()): Rejoin[] {
  const kept = localStorage.getItem(`tongdai.rejoin.${line}`);
  if (kept === null) return [];
  const { at, calls } = JSON.parse(kept) as { at: number; calls: Rejoin[] };
  return now - at < HELD_MS ? calls : [];
}
