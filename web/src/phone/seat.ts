import { type SeatAct, type SeatEvent, type SeatState, step } from "@/phone/seatStates";

/** For how long another tab may keep silent. */
const ANSWER_MS = 1_500;
/** For how long a tab that vanished may come back: what a reload takes. The server holds a call for longer. */
const RETURN_MS = 5_000;

interface Said {
  what: "wanted" | "yours" | "talking";
  from: string;
  to?: string;
}

export interface Sitter {
  open(): void;
  close(): void;
  /** Whether there are calls that must stay where they are. */
  isTalking(): boolean;
  changed(): void;
}

/**
 * One tab of a browser is somebody's phone, and the others wait: a lock of the browser says which (Web Locks), and a channel is how
 * the others ask for it.
 */
export class Seat {
  state: SeatState = "asking";
  private readonly me = crypto.randomUUID();
  private readonly channel: BroadcastChannel;
  private asker: string | undefined;
  private release: (() => void) | undefined;
  private waiting: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    private readonly name: string,
    private readonly sitter: Sitter,
  ) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data);
    const had = sessionStorage.getItem(name) !== null;
    this.ask({ ifAvailable: true }, "free", () => {
      this.on("taken");
      if (had) this.on("take");
    });
  }

  /** Be the phone here. */
  take(): void {
    this.on("take");
  }

  /** A call began or ended. */
  callsChanged(): void {
    if (!this.sitter.isTalking()) this.on("idle");
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.channel.close();
    this.waiting?.abort();
    this.release?.();
    sessionStorage.removeItem(this.name);
  }

  private on(event: SeatEvent): void {
    const found = this.closed ? null : step(this.state, event);
    if (found === null) return;
    clearTimeout(this.timer);
    this.state = found.state;
    if (found.state === "holding") sessionStorage.setItem(this.name, "");
    else if (found.state === "waiting") sessionStorage.removeItem(this.name);
    for (const act of found.acts) this.do(act);
    this.sitter.changed();
  }

  private do(act: SeatAct): void {
    switch (act) {
      case "open":
        this.sitter.open();
        break;
      case "close":
        this.sitter.close();
        break;
      case "queue":
        this.waiting = new AbortController();
        this.ask({ signal: this.waiting.signal }, "granted");
        break;
      case "steal":
        this.waiting?.abort();
        this.ask({ steal: true }, "granted");
        break;
      case "say wanted":
        this.say("wanted");
        break;
      case "say yours":
        this.say("yours", this.asker);
        break;
      case "say talking":
        this.say("talking", this.asker);
        break;
      case "wait for answer":
        this.timer = setTimeout(() => this.on("late"), ANSWER_MS);
        break;
      case "wait for return":
        this.timer = setTimeout(() => this.on("late"), RETURN_MS);
        break;
    }
  }

  /** Keeps the lock, once it has it, until it is released or another tab takes it. */
  private ask(how: LockOptions, event: SeatEvent, refused?: () => void): void {
    let had = false;
    navigator.locks
      .request(this.name, how, async (lock) => {
        if (lock === null) return refused?.();
        had = true;
        const held = new Promise<void>((resolve) => {
          this.release = resolve;
        });
        this.on(event);
        await held;
      })
      .catch(() => {
        if (had) this.on("lost"); // else we do not wait for it any more
      });
  }

  private say(what: Said["what"], to?: string): void {
    this.channel.postMessage({ what, from: this.me, to } satisfies Said);
  }

  private hear({ what, from, to }: Said): void {
    if (to !== undefined && to !== this.me) return;
    if (what === "wanted") {
      this.asker = from;
      this.on(this.sitter.isTalking() ? "wantedInCall" : "wanted");
    } else this.on(what);
  }
}
