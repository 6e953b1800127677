import { beforeEach, describe, expect, it } from "vitest";
import type { Call } from "@/api/client";
import type { LiveEvent } from "@/api/events";
import { Answerers } from "@/phone/elsewhere";
import { callOf } from "@/phone/park";
import { keepCalls, keptCalls, type Rejoin } from "@/phone/rejoin";
import { whyNoMicrophone } from "@/phone/sound";
import { showInTitle } from "@/phone/title";
import { wantedNumber } from "@/phone/wanted";

describe("a link", () => {
  it.each([
    ["/phone?call=0932718045", "0932718045"],
    ["/phone?call=tel%3A%2B84%20932%20718%20045", "+84932718045"],
    ["/phone?call=tel:0932-718-045;ext=2", "0932718045"],
    ["/phone?call=%2B84932718045", "+84932718045"],
    ["/phone?call=102", "102"],
    ["/phone", ""],
    ["/phone?call=", ""],
    ["/phone?call=javascript:alert(1)", ""],
    ["/phone?call=sip:102@elsewhere", ""],
    [`/phone?call=${"1".repeat(33)}`, ""],
  ])("%s asks for %s", (address, number) => {
    expect(wantedNumber(address)).toBe(number);
  });
});

describe("calls that are kept through a reload", () => {
  const call: Rejoin = {
    call: "a",
    local: "b",
    remote: "c",
    number: "102",
    name: "Minh",
    incoming: false,
    held: true,
    muted: false,
    joined: false,
    since: 5,
  };
  beforeEach(() => localStorage.clear());

  it("are there again for as long as the server holds them", () => {
    keepCalls("one", [call], 1_000);
    expect(keptCalls("other", 2_000)).toEqual([]);
    expect(keptCalls("one", 2_000)).toEqual([call]);
    expect(keptCalls("one", 22_000)).toEqual([]);
  });

  it("are none when all have ended", () => {
    keepCalls("one", [call], 1_000);
    keepCalls("one", [], 2_000);
    expect(keptCalls("one", 3_000)).toEqual([]);
  });
});

describe("who answered in our place", () => {
  const event = (type: string, data: object) => ({ type, cursor: "", at: 0, data }) as unknown as LiveEvent;

  it("is learnt from the live events", () => {
    const answerers = new Answerers();
    const lan = { number: "101", name: "Lan", person: "p1" };
    const minh = { number: "102", name: "Minh", person: "p2" };
    for (const call of ["c1", "c2"]) {
      answerers.hear(event("leg.calling", { call, leg: `${call}.l2`, party: minh }), "p1");
      if (call === "c1") answerers.hear(event("leg.calling", { call, leg: `${call}.l1`, party: lan }), "p1");
      expect(answerers.hear(event("leg.ringing", { call, leg: `${call}.l2` }), "p1")).toBeNull();
    }
    expect(answerers.hear(event("leg.answered", { call: "c1", leg: "c1.l2" }), "p1")).toBe("Minh");
    expect(answerers.hear(event("leg.answered", { call: "c1", leg: "c1.l1" }), "p1")).toBeNull();
    expect(answerers.hear(event("leg.answered", { call: "c2", leg: "c2.l2" }), "p1")).toBeNull();
    expect(answerers.hear(event("leg.answered", { call: "c9", leg: "c9.l2" }), "p1")).toBeNull();
    const begun = { id: "c3", legs: [lan, minh].map((party, at) => ({ id: `c3.l${at}`, party })) };
    answerers.know([begun as unknown as Call], "p1");
    expect(answerers.hear(event("leg.answered", { call: "c3", leg: "c3.l1" }), "p1")).toBe("Minh");
  });
});

describe("the call to park", () => {
  it("is the one of this dialog, also when two have one number", () => {
    const leg = (id: string) => ({ party: { number: "+84901234567" }, sip_call_id: id });
    const calls = [
      { id: "call_1", legs: [leg("x"), leg("one")] },
      { id: "call_2", legs: [leg("y"), leg("two")] },
    ] as unknown as Call[];
    expect(callOf(calls, "two")?.id).toBe("call_2");
    expect(callOf(calls, "three")).toBeUndefined();
  });
});

describe("a microphone that is not there", () => {
  it.each([
    ["NotAllowedError", "refused"],
    ["SecurityError", "refused"],
    ["NotFoundError", "missing"],
    ["NotReadableError", "taken"],
  ])("is told apart: %s is %s", (name, why) => {
    expect(whyNoMicrophone(new DOMException("", name))).toBe(why);
  });
});

describe("the title", () => {
  it("tells of calls whatever page it names", () => {
    document.head.innerHTML = '<link rel="icon" href="/icon.svg">';
    document.title = "tongdai";
    showInTitle(2, "");
    expect(document.title).toBe("(2) tongdai");
    expect(document.querySelector("link")?.getAttribute("href")).toBe("/icon-news.svg");
    showInTitle(2, "Lan is calling");
    expect(document.title).toBe("Lan is calling · tongdai");
    document.title = "Company";
    showInTitle(0, "");
    expect(document.title).toBe("Company");
    expect(document.querySelector("link")?.getAttribute("href")).toBe("/icon.svg");
  });
});
