import { describe, expect, it } from "vitest";
import { Outbox } from "@/phone/outbox";

let number = 0;

function request(method: string, branch = `z9hG4bK${++number}`): string {
  return `${method} sip:101@anphat.demo SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=${branch}\r\nCSeq: 7 ${method}\r\n\r\n`;
}

function response(status: number, to: string): string {
  const [via] = /Via:.*/.exec(to) ?? [];
  const [cseq] = /CSeq:.*/.exec(to) ?? [];
  return `SIP/2.0 ${status} Whatever\r\n${via?.trim()}\r\n${cseq?.trim()}\r\n\r\n`;
}

describe("what is to be said over a connection that breaks", () => {
  it("is that we are here, before anything else", () => {
    const box = new Outbox();
    const [register, invite] = [request("REGISTER"), request("INVITE")];
    box.add(invite, 0);
    box.add(register, 0);
    expect(box.due(false, 0)).toEqual([register]);
    expect(box.heard(response(401, register))).toBe(false);
    const again = request("REGISTER");
    box.add(again, 0);
    expect(box.due(false, 0)).toEqual([again]);
    expect(box.heard(response(200, again))).toBe(true);
    expect(box.due(true, 0)).toEqual([invite]);
  });

  it("is said again over the next one, unless it was answered", () => {
    const box = new Outbox();
    const [hold, invite, bye] = [request("INVITE"), request("INVITE"), request("BYE")];
    for (const one of [hold, invite, bye]) box.add(one, 0);
    expect(box.due(true, 0)).toHaveLength(3);
    expect(box.due(true, 0)).toEqual([]);
    box.heard(response(100, invite)); // it rings: whoever is called must not be called twice
    box.broken();
    expect(box.due(true, 1_000)).toEqual([hold, bye]);
  });

  it("takes an answer to one request for no answer to another", () => {
    const box = new Outbox();
    const invite = request("INVITE", "z9hG4bKsame");
    const cancel = request("CANCEL", "z9hG4bKsame");
    box.add(invite, 0);
    box.add(cancel, 0);
    box.due(true, 0);
    box.heard(response(200, cancel));
    box.broken();
    expect(box.due(true, 0)).toEqual([invite]);
  });

  it("is not said late, when what was asked has been given up; but that a call is over is", () => {
    const box = new Outbox();
    const [transfer, bye] = [request("REFER"), request("BYE")];
    box.add(transfer, 0);
    box.add(bye, 0);
    expect(box.due(true, 60_000)).toEqual([bye]);
  });

  it("is no response twice, and no acknowledgement again", () => {
    const box = new Outbox();
    const ok = response(200, request("INVITE"));
    const ack = request("ACK");
    box.add(ok, 0);
    box.add(ok, 500);
    box.add(ack, 500);
    expect(box.due(true, 500)).toEqual([ok, ack]);
    box.broken();
    expect(box.due(true, 500)).toEqual([]);
  });
});
