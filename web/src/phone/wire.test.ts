import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Wire } from "@/phone/wire";

class FakeSocket {
  readyState = WebSocket.CONNECTING as number;
  sent: string[] = [];
  onopen = () => {};
  onclose = () => {};
  onmessage = (_: { data: string }) => {};

  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.readyState = WebSocket.CLOSED;
  }
  /** The server takes the connection. */
  open() {
    this.readyState = WebSocket.OPEN;
    this.onopen();
  }
  end() {
    this.readyState = WebSocket.CLOSED;
    this.onclose();
  }
  say(data: string) {
    this.onmessage({ data });
  }
}

const PING = "\r\n\r\n";
const request = (method: string) =>
  `${method} sip:a SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK${method}\r\nCSeq: 1 ${method}\r\n\r\n`;
const REGISTERED = "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS x;branch=z9hG4bKREGISTER\r\nCSeq: 1 REGISTER\r\n\r\n";

describe("the connection of a phone", () => {
  let sockets: FakeSocket[];
  let states: string[];
  let back: number;
  let woken: number;
  let wire: Wire;
  const latest = () => sockets.at(-1) as FakeSocket;

  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    states = [];
    back = woken = 0;
    wire = new Wire(
      "wss://pbx.test:8088",
      { onState: (state) => states.push(state), onBack: () => back++, onWake: () => woken++ },
      () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
    );
    wire.connect();
  });
  afterEach(() => {
    wire.disconnect();
    vi.useRealTimers();
  });

  function register() {
    latest().open();
    wire.send(request("REGISTER"));
    latest().say(REGISTERED);
  }

  it("tells JsSIP once that it is there, and never that it is gone", () => {
    const [connected, disconnected] = [vi.fn(), vi.fn()];
    wire.onconnect = connected;
    wire.ondisconnect = disconnected;
    register();
    latest().end();
    vi.advanceTimersByTime(10);
    latest().open();
    expect(connected).toHaveBeenCalledTimes(1);
    expect(disconnected).not.toHaveBeenCalled();
    expect(back).toBe(1);
    expect(wire.via_transport).toBe("WSS");
  });

  it("says again what was not answered, when it is registered again", () => {
    register();
    wire.send(request("INVITE"));
    expect(latest().sent.at(-1)).toBe(request("INVITE"));
    latest().end();
    expect(wire.isOpen).toBe(false);
    wire.send(request("BYE"));
    vi.advanceTimersByTime(10);
    register();
    expect(latest().sent).toEqual([request("REGISTER"), request("INVITE"), request("BYE")]);
    expect(states).toEqual(["connecting", "open", "lost", "open"]);
  });

  it("tries again within a second, however often that fails", () => {
    register();
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const before = sockets.length;
      latest().end();
      vi.advanceTimersByTime(1_000);
      expect(sockets.length).toBe(before + 1);
    }
  });

  it("gives up a connection on which nobody answers, in a call within seconds", () => {
    register();
    wire.busy = true;
    vi.advanceTimersByTime(5_000);
    expect(latest().sent.at(-1)).toBe(PING);
    latest().say("\r\n");
    vi.advanceTimersByTime(3_000);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(6_000);
    expect(states.at(-1)).toBe("lost");
    expect(sockets).toHaveLength(2);
  });

  it("does not wait for a network that never answers the opening of a connection", () => {
    vi.advanceTimersByTime(4_000);
    expect(sockets).toHaveLength(2);
    expect(states).toEqual(["connecting"]);
  });

  it("asks at once after the machine has slept, and when the network is another", () => {
    register();
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersByTime(1_000);
    expect(woken).toBe(1);
    expect(latest().sent.at(-1)).toBe(PING);
    latest().say("\r\n");
    globalThis.dispatchEvent(new Event("online"));
    expect(latest().sent.filter((text) => text === PING)).toHaveLength(2);
  });

  it("answers who asks whether it is there", () => {
    register();
    latest().say(PING);
    expect(latest().sent.at(-1)).toBe("\r\n");
  });
});
