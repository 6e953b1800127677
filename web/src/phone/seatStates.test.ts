import { describe, expect, it } from "vitest";
import { SEAT, type SeatEvent, type SeatState, step } from "@/phone/seatStates";

/** The states that a tab goes through. */
function through(...events: SeatEvent[]): SeatState[] {
  const states: SeatState[] = ["asking"];
  for (const event of events) {
    const state = states.at(-1) as SeatState;
    states.push(step(state, event)?.state ?? state);
  }
  return states.slice(1);
}

describe("which tab holds the phone", () => {
  it("is the first", () => {
    expect(step("asking", "free")).toEqual({ state: "holding", acts: ["open"] });
    expect(step("asking", "taken")).toEqual({ state: "waiting", acts: ["queue"] });
  });

  it("is the one where somebody asks for it, as soon as the other one lets go", () => {
    expect(through("taken", "take", "yours", "granted")).toEqual(["waiting", "wanting", "taking", "holding"]);
    expect(through("free", "wanted", "lost")).toEqual(["holding", "giving", "waiting"]);
  });

  it("stays where a call is until that has ended", () => {
    expect(through("taken", "take", "talking", "yours", "granted")).toEqual([
      "waiting",
      "wanting",
      "next",
      "taking",
      "holding",
    ]);
    expect(through("free", "wantedInCall", "idle", "lost")).toEqual([
      "holding",
      "owing",
      "giving",
      "waiting",
    ]);
    expect(step("owing", "idle")?.acts).toContain("close");
    expect(step("holding", "wantedInCall")?.acts).not.toContain("close");
  });

  it("is another one when the first was closed, unless that comes back at once", () => {
    expect(through("taken", "granted", "late")).toEqual(["waiting", "minding", "holding"]);
    expect(through("taken", "granted", "wanted", "lost")).toEqual([
      "waiting",
      "minding",
      "giving",
      "waiting",
    ]);
    expect(step("waiting", "granted")?.acts).not.toContain("open");
  });

  it("is taken from a tab that does not answer", () => {
    expect(through("taken", "take", "late", "granted")).toEqual(["waiting", "wanting", "taking", "holding"]);
  });

  it("goes on where it was when whoever wanted it has vanished", () => {
    expect(through("free", "wanted", "late")).toEqual(["holding", "giving", "holding"]);
  });

  it("is never two at a time: who opens has the lock, and who loses it closes", () => {
    const entering = Object.entries(SEAT).flatMap(([state, row]) =>
      Object.entries(row).map(([event, [next, ...acts]]) => ({ state, event, next, acts })),
    );
    for (const { state, event, next, acts } of entering) {
      const had = ["holding", "owing"].includes(state);
      const has = ["holding", "owing"].includes(next);
      const where = `${state} at ${event}`;
      expect(acts.includes("open"), where).toBe(!had && has);
      expect(acts.includes("close"), where).toBe(had && !has);
      const locked = ["minding", "holding", "owing", "giving"];
      if (has) expect(["free", "granted"].includes(event) || locked.includes(state), where).toBe(true);
    }
  });
});
