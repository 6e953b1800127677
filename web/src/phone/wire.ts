import type { Socket } from "jssip/lib/Socket";
import { Outbox } from "@/phone/outbox";

const PING = "\r\n\r\n";

/** How long an answer to a ping or to the opening of a connection may take. */
const ANSWER_MS = 3_000;
/** How often it is made sure that somebody is there (RFC 5626 §4.4.1), in a call and without. */
const BUSY_MS = 4_000;
const IDLE_MS = 10_000;
/** Between two attempts to connect; the first comes at once. */
const PAUSES_MS = [0, 250, 500, 1_000];
/** Who sees this much more time pass than he slept was asleep, and so was the machine. */
const ASLEEP_MS = 5_000;
const TICK_MS = 1_000;
/** What is told when the page or the machine was asleep, or the network is another. */
const WAKING = ["online", "pageshow", "resume"];

export type WireState = "connecting" | "open" | "lost" | "closed";

interface Handlers {
  /** `open`: connected, and the server knows that we are here. */
  onState(state: WireState): void;
  /** Connected, not for the first time: say who we are. */
  onBack(): void;
  /** The machine was asleep, or the network is another. */
  onWake(): void;
}

/**
 * The connection of a phone with its server, as JsSIP wants one. JsSIP would end a call that it cannot ask for something at the moment;
 * so it never learns that a connection has ended: another is made, we register over it, and what was not answered is said again.
 */
export class Wire implements Socket {
  readonly url: string;
  readonly sip_uri: string;
  via_transport: string;
  onconnect: () => void = () => {};
  ondisconnect: (error: boolean, code?: number, reason?: string) => void = () => {};
  ondata: <T>(event: T) => void = () => {};
  /** A call is going on: look more often whether somebody is there. */
  busy = false;

  private socket: WebSocket | null = null;
  private readonly outbox = new Outbox();
  private state: WireState = "closed";
  private before = false;
  private attempts = 0;
  private heardAt = 0;
  private pingedAt: number | null = null;
  private tickedAt = 0;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private retrying: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    private readonly handlers: Handlers,
    private readonly open: (url: string) => WebSocket = (address) => new WebSocket(address, "sip"),
  ) {
    const { protocol, hostname, port } = new URL(url);
    this.url = url;
    this.sip_uri = `sip:${hostname}${port && `:${port}`};transport=ws`;
    this.via_transport = protocol === "wss:" ? "WSS" : "WS";
  }

  // what JsSIP asks

  connect(): void {
    this.tickedAt = Date.now();
    this.ticking ??= setInterval(() => this.tick(), TICK_MS);
    for (const event of WAKING) globalThis.addEventListener(event, this.wake);
    globalThis.addEventListener("offline", this.look);
    document.addEventListener("visibilitychange", this.look);
    this.become("connecting");
    this.dial();
  }

  disconnect(): void {
    clearInterval(this.ticking);
    clearTimeout(this.retrying);
    this.ticking = undefined;
    for (const event of WAKING) globalThis.removeEventListener(event, this.wake);
    globalThis.removeEventListener("offline", this.look);
    document.removeEventListener("visibilitychange", this.look);
    this.let();
    this.state = "closed";
  }

  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): boolean {
    this.outbox.add(String(message), Date.now());
    this.flush();
    return true;
  }

  isConnected(): boolean {
    return this.before;
  }

  isConnecting(): boolean {
    return !this.before;
  }

  // how it goes

  get isOpen(): boolean {
    return this.state === "open";
  }

  private become(state: WireState): void {
    if (this.state === state) return;
    this.state = state;
    this.handlers.onState(state);
  }

  private dial(): void {
    clearTimeout(this.retrying);
    const socket = this.open(this.url);
    this.socket = socket;
    this.heardAt = this.pingedAt = Date.now();
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.attempts = 0;
      this.heardAt = Date.now();
      this.pingedAt = null;
      if (this.before) this.handlers.onBack();
      else {
        this.before = true;
        this.onconnect();
      }
      this.flush();
    };
    socket.onmessage = ({ data }) => {
      if (this.socket === socket) this.hear(String(data));
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lose();
    };
  }

  private hear(text: string): void {
    this.heardAt = Date.now();
    this.pingedAt = null;
    if (text.trim() === "") {
      if (text === PING) this.socket?.send("\r\n");
      return;
    }
    const registered = this.outbox.heard(text);
    this.ondata(text);
    if (registered && this.state !== "closed") {
      this.become("open");
      this.flush();
    }
  }

  private flush(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    for (const text of this.outbox.due(this.isOpen, Date.now())) this.socket.send(text);
  }

  private let(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.outbox.broken();
  }

  private lose(): void {
    this.let();
    this.become(this.before ? "lost" : "connecting");
    const pause = PAUSES_MS[Math.min(this.attempts, PAUSES_MS.length - 1)];
    this.attempts += 1;
    clearTimeout(this.retrying);
    this.retrying = setTimeout(() => this.dial(), pause);
  }

  private tick(): void {
    const now = Date.now();
    const slept = now - this.tickedAt - TICK_MS;
    this.tickedAt = now;
    if (slept > ASLEEP_MS) this.wake();
    else if (this.pingedAt !== null) {
      if (now - this.pingedAt >= ANSWER_MS) this.lose();
    } else if (now - this.heardAt >= (this.busy ? BUSY_MS : IDLE_MS)) this.look();
  }

  /** Ask whether somebody is there; who does not answer is gone. */
  private readonly look = () => {
    if (this.pingedAt !== null || this.socket?.readyState !== WebSocket.OPEN) return;
    this.pingedAt = Date.now();
    this.socket.send(PING);
  };

  private readonly wake = () => {
    this.attempts = 0;
    if (this.socket === null) this.dial();
    else this.look();
    this.handlers.onWake();
  };
}
