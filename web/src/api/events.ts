/** One thing that happened, as the API tells it over the WebSocket (docs/api.md). */
export interface LiveEvent {
  type: string;
  cursor: string;
  at: number;
  data: Record<string, unknown>;
}

export type LineState = "connecting" | "open" | "lost";

export interface Handlers {
  onEvent(event: LiveEvent): void;
  /** Events may have been missed: read the lists again. */
  onResync(): void;
  onState(state: LineState): void;
  /** The session has ended. */
  onSignedOut(): void;
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;

/** The line over which live events come, from a cursor on. It comes back by itself, and goes on where it was. */
export class LiveLine {
  private socket: WebSocket | null = null;
  private pause = FIRST_PAUSE;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    private readonly url: string,
    private cursor: string,
    private readonly handlers: Handlers,
    private readonly open: (url: string) => WebSocket = (address) => new WebSocket(address),
  ) {
    this.connect();
    globalThis.addEventListener("online", this.atOnce);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    globalThis.removeEventListener("online", this.atOnce);
    this.socket?.close();
  }

  private readonly atOnce = () => {
    if (this.socket !== null || this.closed) return;
    clearTimeout(this.timer);
    this.connect();
  };

  private connect(): void {
    this.handlers.onState("connecting");
    const socket = this.open(`${this.url}?cursor=${encodeURIComponent(this.cursor)}`);
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.closed) return;
      const event = JSON.parse(data) as LiveEvent;
      this.cursor = event.cursor;
      if (event.type === "hello" || event.type === "resync") {
        this.pause = FIRST_PAUSE;
        this.handlers.onState("open");
        if (event.type === "resync") this.handlers.onResync();
      } else {
        this.handlers.onEvent(event);
      }
    };
    socket.onclose = ({ code }) => {
      this.socket = null;
      if (this.closed) return;
      this.handlers.onState("lost");
      if (code === 4401) {
        this.handlers.onSignedOut();
        return;
      }
      this.timer = setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    };
  }
}

/** Where the events of a tenant come from. */
export function eventsUrl(tenant: string, page: Location = location): string {
  const scheme = page.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${page.host}/api/v1/tenants/${tenant}/events`;
}
