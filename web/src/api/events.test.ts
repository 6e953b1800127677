import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveLine } from "@/api/events";

class Socket {
  static all: Socket[] = [];
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  close() {}
  says(type: string, cursor: string) {
    this.onmessage?.({ data: JSON.stringify({ type, cursor, at: 0, data: {} }) });
  }
}

describe("the line of live events", () => {
  const handlers = { onEvent: vi.fn(), onResync: vi.fn(), onState: vi.fn(), onSignedOut: vi.fn() };
  let line: LiveLine;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    Socket.all = [];
    line = new LiveLine(
      "ws://x/events",
      "run_1.5",
      handlers,
      (url) => new Socket(url) as unknown as WebSocket,
    );
  });
  afterEach(() => {
    line.close();
    vi.useRealTimers();
  });

  it("goes on where it was after a loss", () => {
    Socket.all[0]?.says("hello", "run_1.7");
    Socket.all[0]?.says("call.started", "run_1.8");
    Socket.all[0]?.onclose?.({ code: 1006 });
    vi.advanceTimersByTime(250);
    expect(Socket.all[1]?.url).toBe("ws://x/events?cursor=run_1.8");
    expect(handlers.onEvent).toHaveBeenCalledTimes(1);
  });

  it("is told what happened since whoever is here was read, so that no list is read twice", () => {
    expect(Socket.all[0]?.url).toBe("ws://x/events?cursor=run_1.5");
    Socket.all[0]?.says("hello", "run_1.5");
    Socket.all[0]?.says("call.started", "run_1.6");
    expect(handlers.onEvent).toHaveBeenCalledOnce();
    expect(handlers.onResync).not.toHaveBeenCalled();
  });

  it("tries less and less often, and at once when the network is back", () => {
    for (const pause of [250, 500, 1000]) {
      const before = Socket.all.length;
      Socket.all.at(-1)?.onclose?.({ code: 1006 });
      vi.advanceTimersByTime(pause - 1);
      expect(Socket.all.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(Socket.all.length).toBe(before + 1);
    }
    Socket.all.at(-1)?.onclose?.({ code: 1006 });
    globalThis.dispatchEvent(new Event("online"));
    expect(Socket.all.length).toBe(5);
  });

  it("says when events were missed", () => {
    Socket.all[0]?.says("resync", "run_2.0");
    expect(handlers.onResync).toHaveBeenCalledOnce();
  });

  it("does not come back once the session has ended", () => {
    Socket.all[0]?.onclose?.({ code: 4401 });
    vi.advanceTimersByTime(60_000);
    expect(Socket.all.length).toBe(1);
    expect(handlers.onSignedOut).toHaveBeenCalledOnce();
  });
});
