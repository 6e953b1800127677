import { type Before, STEPS, type StepName } from "@/tour/steps";

/** Where one is in the tour, kept in the browser so that it can be left and resumed. */
export interface Progress {
  state: "invited" | "on" | "left" | "done";
  step: StepName;
  before: Before;
}

const KEPT = "tongdai.tour";

export function begun(step: StepName, at: number): Progress {
  return { state: "on", step, before: { at, messages: null, greeting: null } };
}

export function readProgress(): Progress {
  const first = { ...begun(STEPS[0], 0), state: "invited" } satisfies Progress;
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null") as Progress | null;
    return kept !== null && STEPS.includes(kept.step) ? kept : first;
  } catch {
    return first;
  }
}

export function keepProgress(progress: Progress): void {
  localStorage.setItem(KEPT, JSON.stringify(progress));
}
