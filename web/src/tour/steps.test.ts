import { describe, expect, it } from "vitest";
import type { CallView, PhoneView } from "@/phone/call";
import { after, type Seen, STEPS, type StepName, TABLE } from "@/tour/steps";

const MAIN = "+842871234500";
const ROOM = "+842871234560";
const AT = 1_000;

const phone = (...calls: Partial<CallView>[]) => ({ calls }) as PhoneView;
const talking = (more: Partial<CallView> = {}): Partial<CallView> => ({
  number: MAIN,
  state: "talking",
  held: false,
  since: AT + 1,
  ...more,
});
const ringing: Partial<CallView> = { state: "ringing", held: false, since: null };
const seen = (more: Partial<Seen> = {}): Seen => ({
  outside: phone(),
  own: phone(),
  main: MAIN,
  conference: ROOM,
  administrator: false,
  personally: false,
  spoke: new Set(),
  messages: 0,
  heard: false,
  together: false,
  greeting: "before",
  before: { at: AT, messages: 0, greeting: "before" },
  ...more,
});

/** For each step, in the order of the tour: what is seen when it was done, and when it was nearly done. */
const HAPPENS: Record<StepName, { done: Partial<Seen>; nearly: Partial<Seen> }> = {
  call: { done: { outside: phone(talking()) }, nearly: { outside: phone(talking({ number: ROOM })) } },
  menu: { done: { outside: phone(talking()), own: phone(ringing) }, nearly: { outside: phone(talking()) } },
  answer: {
    done: { outside: phone(talking()), own: phone(talking()) },
    nearly: { outside: phone(talking()), own: phone(ringing) },
  },
  speak: { done: { spoke: new Set(["outside", "own"]) }, nearly: { spoke: new Set(["own"]) } },
  hold: { done: { own: phone(talking({ held: true })) }, nearly: { own: phone(talking()) } },
  resume: { done: { own: phone(talking()) }, nearly: { own: phone(talking({ held: true })) } },
  transfer: {
    done: { outside: phone(talking()), own: phone({ state: "ended" }) },
    nearly: { outside: phone(talking()), own: phone(talking()) },
  },
  again: { done: { own: phone(ringing), personally: true }, nearly: { own: phone(ringing) } },
  decline: {
    done: { outside: phone(talking()) },
    nearly: { outside: phone(talking()), own: phone(ringing) },
  },
  leave: { done: { messages: 1 }, nearly: { messages: 0 } },
  listen: { done: { heard: true }, nearly: { messages: 1 } },
  admin: { done: { administrator: true }, nearly: {} },
  room: {
    done: { own: phone(talking({ number: "600" })) },
    nearly: { own: phone(talking({ number: "600", state: "calling" })) },
  },
  join: { done: { together: true }, nearly: { outside: phone(talking({ number: ROOM })) } },
  greeting: { done: { greeting: "after" }, nearly: { greeting: "before" } },
  hear: { done: { outside: phone(talking()) }, nearly: { outside: phone(talking({ since: AT - 1 })) } },
};

describe("the steps of the tour", () => {
  it.each(STEPS)("knows when %s was done, and not before", (name) => {
    expect(TABLE[name].done(seen(HAPPENS[name].done))).toBe(true);
    expect(TABLE[name].done(seen(HAPPENS[name].nearly))).toBe(false);
  });

  it("does not take for news what it does not know yet", () => {
    const unknown = { at: AT, messages: null, greeting: null };
    expect(TABLE.leave.done(seen({ messages: 3, before: unknown }))).toBe(false);
    expect(TABLE.leave.done(seen({ messages: null }))).toBe(false);
    expect(TABLE.greeting.done(seen({ greeting: "after", before: unknown }))).toBe(false);
  });

  it("goes back only to an earlier step, and only from what went wrong", () => {
    for (const [place, name] of STEPS.entries()) {
      const { needs, back } = TABLE[name];
      expect(needs === undefined, name).toBe(back === undefined);
      if (needs === undefined || back === undefined) continue;
      expect(STEPS.indexOf(back), name).toBeLessThan(place);
      expect(needs(seen()), `${name} with no call anywhere`).toBe(false);
      expect(needs(seen({ outside: phone(talking()), own: phone(talking()) })), name).toBe(true);
    }
  });

  it("says what to press in every state", () => {
    for (const name of STEPS)
      for (const state of [{}, HAPPENS[name].nearly, HAPPENS[name].done])
        expect(TABLE[name].press(seen(state)), name).toMatch(/^[.[]/);
  });

  it("points the caller at what comes first: hanging up, then calling, then keys", () => {
    const old = phone(talking({ since: AT - 1 }));
    expect(TABLE.again.press(seen({ outside: old }))).toContain("split-end");
    expect(TABLE.again.press(seen())).toContain(MAIN);
    expect(TABLE.again.press(seen({ outside: phone(talking()) }))).toBe(".keypad");
  });

  it("ends after the last", () => {
    expect(STEPS.map(after)).toEqual([...STEPS.slice(1), null]);
  });
});
