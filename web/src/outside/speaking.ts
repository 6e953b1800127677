import { useSyncExternalStore } from "react";
import type { PhoneView } from "@/phone/call";

/** The two halves of the page, each with a telephone. */
export type Half = "outside" | "own";

let chosen: Half = "outside";
const listeners = new Set<() => void>();

/** Be in this half: one has one mouth and one microphone. */
export function beIn(half: Half): void {
  if (half === chosen) return;
  chosen = half;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The half that was used last. */
export function useChosen(): Half {
  return useSyncExternalStore(subscribe, () => chosen);
}

const inConversation = (view: PhoneView) => view.calls.some((call) => call.state === "talking" && !call.held);

/** Where one speaks: where one is, unless only the other half is in a conversation. */
export function speakerOf(half: Half, outside: PhoneView, own: PhoneView): Half {
  const other = half === "own" ? "outside" : "own";
  const views = { outside, own };
  return !inConversation(views[half]) && inConversation(views[other]) ? other : half;
}

/**
 * What is to be heard of a half. Both, so that one hears the music that the other one waits with; but while both talk, the other half
 * would only say again what one says oneself, late, and into the microphone.
 */
export function isHeard(half: Half, speaks: Half, outside: PhoneView, own: PhoneView): boolean {
  return half === speaks || !(inConversation(outside) && inConversation(own));
}
