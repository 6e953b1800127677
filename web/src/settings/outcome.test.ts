import { describe, expect, it } from "vitest";
import type { Preferences } from "@/settings/data";
import { outcomes } from "@/settings/outcome";

const plain: Preferences = {
  do_not_disturb: false,
  do_not_disturb_busy: false,
  call_waiting: true,
  forward: "",
  forward_busy: "",
  forward_no_answer: "",
  forward_no_answer_seconds: 0,
  forward_unreachable: "",
  forward_confirm: false,
};
const told = (changes: Partial<Preferences>) => outcomes({ ...plain, ...changes }, 20);

describe("what becomes of somebody's calls", () => {
  it("rings, and ends at the voicemail", () => {
    expect(told({})).toEqual([
      { what: "ring", seconds: 20, next: "voicemail" },
      { what: "second", next: "voicemail" },
      { what: "off", next: "voicemail" },
    ]);
  });

  it("goes elsewhere at once, whatever else was chosen", () => {
    expect(told({ forward: "102", do_not_disturb: true })).toEqual([{ what: "always", to: "102" }]);
  });

  it("rings nowhere while one is not to be disturbed, and hears busy only where it goes nowhere", () => {
    expect(told({ do_not_disturb: true })[0]).toEqual({ what: "silent", next: "voicemail" });
    expect(told({ do_not_disturb: true, do_not_disturb_busy: true })[0]?.next).toBe("hearsBusy");
    const passed = told({ do_not_disturb: true, do_not_disturb_busy: true, forward_busy: "102" });
    expect(passed[0]).toEqual({ what: "silent", next: "goesTo", to: "102" });
  });

  it("rings for one's own time only where it goes on then", () => {
    expect(told({ forward_no_answer: "102", forward_no_answer_seconds: 8 })[0]?.seconds).toBe(8);
    expect(told({ forward_no_answer_seconds: 8 })[0]?.seconds).toBe(20);
  });

  it("is busy without call waiting", () => {
    expect(told({ call_waiting: false, forward_busy: "103" })[1]).toEqual({
      what: "busy",
      next: "goesTo",
      to: "103",
    });
  });
});
