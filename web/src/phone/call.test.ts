import { describe, expect, it } from "vitest";
import { CALL, type CallState, type End, judge, reasonOf } from "@/phone/call";

const end = (cause: string, more: Partial<End> = {}): End => ({
  cause,
  status: undefined,
  told: "",
  ...more,
});
const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';

describe("a call", () => {
  it("goes on from state to state, and never back", () => {
    const order: CallState[] = ["ringing", "answering", "calling", "talking", "ended"];
    for (const [state, row] of Object.entries(CALL)) {
      for (const next of Object.values(row)) {
        expect(order.indexOf(next)).toBeGreaterThan(order.indexOf(state as CallState));
      }
    }
    expect(CALL.ended).toEqual({});
    expect(CALL.ringing.confirmed).toBeUndefined();
  });

  it.each([
    ["is over", end("Terminated"), "talking", "ended"],
    ["was taken to another phone", end("Terminated", { told: ELSEWHERE }), "talking", "moved"],
    ["is not known to the server any more", end("Dialog Error"), "talking", "meanwhile"],
    ["was answered at another phone", end("Canceled", { told: ELSEWHERE }), "ringing", "elsewhere"],
    [
      "was answered there while this one was about to",
      end("Canceled", { told: ELSEWHERE }),
      "answering",
      "elsewhere",
    ],
    ["was given up by the caller", end("Canceled"), "ringing", "ended"],
    ["was refused here", end("Rejected"), "ringing", "ended"],
    ["was given up here", end("Canceled"), "calling", "ended"],
    ["met somebody who talks", end("Busy", { status: 486 }), "calling", "busy"],
    ["met nobody", end("Unavailable", { status: 480 }), "calling", "noAnswer"],
    ["went nowhere", end("Not Found", { status: 404 }), "calling", "noSuchNumber"],
    ["was not allowed", end("Rejected", { status: 403 }), "calling", "notAllowed"],
    ["found no common sound", end("Incompatible SDP", { status: 488 }), "calling", "noCommonSound"],
    ["had no connection", end("Request Timeout"), "calling", "connection"],
    ["failed", end("SIP Failure Code", { status: 500 }), "calling", "failed"],
  ] as const)("%s", (_, how, state, reason) => {
    expect(reasonOf(how, state, state === "ringing" || state === "answering", false)).toBe(reason);
  });

  it("that cannot be stepped into again has ended meanwhile", () => {
    expect(reasonOf(end("Not Found", { status: 481 }), "calling", true, true)).toBe("meanwhile");
    expect(reasonOf(end("Canceled"), "calling", true, true)).toBe("ended");
  });
});

describe("how it sounds", () => {
  const sample = { lost: 0, received: 0, jitter: 0.005, roundTrip: 0.05 };
  it.each([
    [{ received: 150 }, "good"],
    [{ received: 145, lost: 5 }, "fair"],
    [{ received: 130, lost: 20 }, "poor"],
    [{ received: 150, jitter: 0.06 }, "fair"],
    [{ received: 150, roundTrip: 0.7 }, "poor"],
    [{ received: 0 }, "silent"],
  ] as const)("%o is %s", (now, quality) => {
    expect(judge(sample, { ...sample, ...now })).toBe(quality);
  });
});
