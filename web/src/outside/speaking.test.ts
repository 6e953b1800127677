import { describe, expect, it } from "vitest";
import { isHeard, speakerOf } from "@/outside/speaking";
import type { CallView, PhoneView } from "@/phone/call";

const call: CallView = {
  id: "1",
  number: "+842871234500",
  name: "",
  incoming: false,
  state: "talking",
  held: false,
  muted: false,
  joined: false,
  since: 0,
  quality: null,
  unheard: false,
  waiting: false,
  reason: null,
  by: null,
};
const phone = (...calls: Partial<CallView>[]): PhoneView => ({
  line: "ready",
  microphone: null,
  calls: calls.map((one) => ({ ...call, ...one })),
});

describe("where one speaks", () => {
  it("is where one is, while there is a conversation", () => {
    expect(speakerOf("own", phone({}), phone({}))).toBe("own");
    expect(speakerOf("outside", phone({}), phone({}))).toBe("outside");
    expect(speakerOf("own", phone(), phone())).toBe("own");
  });

  it("is the other half when only that talks: a message is left while one looks at the company", () => {
    expect(speakerOf("own", phone({}), phone())).toBe("outside");
    expect(speakerOf("own", phone({}), phone({ held: true }))).toBe("outside");
    expect(speakerOf("outside", phone({ state: "calling" }), phone({}))).toBe("own");
  });
});

describe("what is heard of two telephones in one page", () => {
  it("is the one at which one speaks, when both talk", () => {
    expect(isHeard("own", "own", phone({}), phone({}))).toBe(true);
    expect(isHeard("outside", "own", phone({}), phone({}))).toBe(false);
    expect(isHeard("outside", "outside", phone({}), phone({}))).toBe(true);
  });

  it("is both when one waits with music, hears a menu, or rings", () => {
    expect(isHeard("outside", "own", phone({}), phone({ held: true }))).toBe(true);
    expect(isHeard("outside", "own", phone({}), phone())).toBe(true);
    expect(isHeard("outside", "own", phone({}), phone({ state: "ringing" }))).toBe(true);
    expect(isHeard("own", "outside", phone({ state: "ended" }), phone({}))).toBe(true);
  });
});
