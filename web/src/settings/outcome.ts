import type { Preferences } from "@/settings/data";

/** One thing that happens to a call; `what` is the key of its sentence. */
export interface Outcome {
  what: "always" | "silent" | "departments" | "ring" | "second" | "busy" | "off";
  /** What it goes on with, in the same sentence. */
  next?: "voicemail" | "goesTo" | "hearsBusy";
  to?: string;
  seconds?: number;
}

function onTo(to: string): Pick<Outcome, "next" | "to"> {
  return to ? { next: "goesTo", to } : { next: "voicemail" };
}

/** What becomes of somebody's calls, in the order in which it happens (`flows/verbs/dial.py`). */
export function outcomes(chosen: Preferences, companySeconds: number): Outcome[] {
  if (chosen.forward) return [{ what: "always", to: chosen.forward }];
  if (chosen.do_not_disturb) {
    const then: Pick<Outcome, "next" | "to"> =
      !chosen.forward_busy && chosen.do_not_disturb_busy ? { next: "hearsBusy" } : onTo(chosen.forward_busy);
    return [{ what: "silent", ...then }, { what: "departments" }];
  }
  const own = chosen.forward_no_answer ? chosen.forward_no_answer_seconds : 0;
  return [
    { what: "ring", seconds: own || companySeconds, ...onTo(chosen.forward_no_answer) },
    { what: chosen.call_waiting ? "second" : "busy", ...onTo(chosen.forward_busy) },
    { what: "off", ...onTo(chosen.forward_unreachable) },
  ];
}
