/**
 * What is to be said over a connection that may break at any moment. A request is kept until something answers it, and is said again
 * over the next connection: by its branch whoever got it twice knows that it is the same (RFC 3261 §17.2.3).
 */
export class Outbox {
  private readonly kept: Kept[] = [];

  /** Take a message to be sent. `at` is in milliseconds, of any clock that only goes forward. */
  add(text: string, at: number): void {
    const what = read(text);
    if (!what.answered) this.drop((one) => one.key === what.key); // the same response once more
    this.kept.push({ ...what, text, at, sent: false });
  }

  /** What may be said now, in order. Before the phone is registered only that it wants to be. */
  due(registered: boolean, now: number): string[] {
    this.drop((one) => now - one.at > one.patience);
    const due = this.kept.filter((one) => !one.sent && (registered || one.method === "REGISTER"));
    for (const one of due) one.sent = true;
    this.drop((one) => one.sent && !one.answered);
    return due.map((one) => one.text);
  }

  /** Something came in; whether it says that we are registered. */
  heard(text: string): boolean {
    const response = /^SIP\/2\.0 (\d{3})/.exec(text);
    if (response === null) return false;
    const method = cseqOf(text);
    this.drop((one) => one.answered && one.sent && one.key === `${branchOf(text)} ${method}`);
    return method === "REGISTER" && response[1]?.[0] === "2";
  }

  /** The connection has ended: nobody knows whether the last words were heard. */
  broken(): void {
    for (const one of this.kept) one.sent = false;
  }

  private drop(which: (one: Kept) => boolean): void {
    for (let index = this.kept.length - 1; index >= 0; index -= 1) {
      if (which(this.kept[index] as Kept)) this.kept.splice(index, 1);
    }
  }
}

interface Read {
  method: string;
  key: string;
  /** Whether something will answer it: all requests but ACK. */
  answered: boolean;
  /** For how long it is worth saying, in milliseconds. */
  patience: number;
}

interface Kept extends Read {
  text: string;
  at: number;
  sent: boolean;
}

/** After this time JsSIP has given a request up (64 × T1), and what was asked must not happen late. */
const GIVEN_UP_MS = 32_000;
/** That a call is over is told for as long as the server remembers calls of a page that is away. */
const FAREWELL_MS = 120_000;

function read(text: string): Read {
  const method = /^[A-Z]+ /.test(text) ? (text.split(" ", 1)[0] ?? "") : "";
  const parting = method === "BYE" || method === "CANCEL";
  return {
    method,
    key: `${branchOf(text)} ${cseqOf(text)}${method === "" || method === "ACK" ? ` ${method || "response"}` : ""}`,
    answered: method !== "" && method !== "ACK",
    patience: parting ? FAREWELL_MS : GIVEN_UP_MS,
  };
}

const branchOf = (text: string) => /^Via:[^\r\n]*;\s*branch=([^;\s,]+)/im.exec(text)?.[1] ?? "";
const cseqOf = (text: string) => /^CSeq:\s*\d+\s+(\w+)/im.exec(text)?.[1] ?? "";
