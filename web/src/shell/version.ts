/** Whether the server has another version of the pages than this one, and when that is loaded. */

/** The script that a document of ours begins with; its name has a hash of what is in it. */
export function scriptOf(html: string): string | null {
  return /<script[^>]*\ssrc="(\/assets\/[^"]+)"/.exec(html)?.[1] ?? null;
}

export interface Situation {
  /** A call is going on. */
  busy: boolean;
  hidden: boolean;
  /** For how long nobody has touched the page, in milliseconds. */
  idle: number;
}

const IDLE_MS = 60_000;

/** At once where nobody sees it; else it is offered. Never while somebody talks. */
export function whatToDo({ busy, hidden, idle }: Situation): "reload" | "offer" | "wait" {
  if (busy) return "wait";
  return hidden || idle > IDLE_MS ? "reload" : "offer";
}

/** Whether there is a newer one. A server that cannot be asked has none. */
export async function isOutdated(page: Document = document): Promise<boolean> {
  const own = page.querySelector<HTMLScriptElement>('script[type="module"][src]')?.getAttribute("src");
  try {
    const answer = await fetch("/phone", { cache: "no-store", headers: { Accept: "text/html" } });
    const theirs = answer.ok ? scriptOf(await answer.text()) : null;
    return theirs !== null && theirs !== own;
  } catch {
    return false;
  }
}
