import type { NoMicrophone } from "@/phone/sound";

/** What a call is to whoever looks at it. */
export interface CallView {
  id: string;
  /** Whom one talks to: what was dialled, or who called. */
  number: string;
  name: string;
  incoming: boolean;
  state: CallState;
  held: boolean;
  muted: boolean;
  /** Part of a conference that this page mixes. */
  joined: boolean;
  /** When it was answered, in milliseconds since 1970. */
  since: number | null;
  quality: Quality | null;
  /** The server hears nothing of whom one talks to, however clear the line from the server is. */
  unheard: boolean;
  /** What was asked and could not be done yet, since the connection is lost. */
  waiting: boolean;
  /** Why it ended, or what went wrong, as a key of the words. */
  reason: Reason | null;
  /** Who answered it in our place, as far as it is known. */
  by: string | null;
}

export type CallState = "ringing" | "answering" | "calling" | "talking" | "ended";
export type Quality = "good" | "fair" | "poor" | "silent";

export interface PhoneView {
  /** `elsewhere`: another tab of this browser is the phone. `busyElsewhere`: and talks, so that it keeps it. */
  line: "connecting" | "ready" | "lost" | "refused" | "elsewhere" | "busyElsewhere";
  /** Why the browser does not let us have a microphone, or `other`: the one that was used is gone, we went on to another. */
  microphone: NoMicrophone | "other" | null;
  calls: CallView[];
}

export type CallEvent = "answer" | "confirmed" | "over";

/** What becomes of a call. An event that a state does not know changes nothing. */
export const CALL: Record<CallState, Partial<Record<CallEvent, CallState>>> = {
  ringing: { answer: "answering", over: "ended" },
  answering: { confirmed: "talking", over: "ended" },
  calling: { confirmed: "talking", over: "ended" },
  talking: { over: "ended" },
  ended: {},
};

export type Reason =
  | "ended"
  | "busy"
  | "noSuchNumber"
  | "noAnswer"
  | "notAllowed"
  | "noCommonSound"
  | "failed"
  | "elsewhere"
  | "moved"
  | "meanwhile"
  | "connection"
  | "transferFailed";

/** How a call ended, as JsSIP tells it. */
export interface End {
  cause: string;
  /** Of a final response. */
  status: number | undefined;
  /** What the other side gave as its reason (RFC 3326). */
  told: string;
}

/** Why a call ended. `rejoined`: it was stepped into again after a reload. */
export function reasonOf(end: End, state: CallState, incoming: boolean, rejoined: boolean): Reason {
  const { cause, status, told } = end;
  const elsewhere = /^SIP\s*;\s*cause=200\b/i.test(told);
  if (state === "talking") return elsewhere ? "moved" : cause === "Dialog Error" ? "meanwhile" : "ended";
  if (elsewhere) return "elsewhere";
  if (cause === "Canceled") return "ended";
  if (rejoined) return "meanwhile";
  if (incoming) return "ended";
  if (status === undefined)
    return cause === "Request Timeout" || cause === "Connection Error" ? "connection" : "failed";
  if (status === 486 || status === 600 || status === 603) return "busy";
  if (status === 404 || status === 484 || status === 604) return "noSuchNumber";
  if (status === 408 || status === 480 || status === 487) return "noAnswer";
  if (status === 403) return "notAllowed";
  if (status === 488) return "noCommonSound";
  return "failed";
}

export interface Sample {
  lost: number;
  received: number;
  /** Seconds. */
  jitter: number;
  /** Seconds. */
  roundTrip: number;
}

/** How the last seconds sounded: what telephone people call the E-model, in four words. */
export function judge(before: Sample, now: Sample): Quality {
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  if (received <= 0) return "silent";
  const loss = lost / (received + lost);
  if (loss > 0.08 || now.jitter > 0.1 || now.roundTrip > 0.6) return "poor";
  if (loss > 0.02 || now.jitter > 0.04 || now.roundTrip > 0.3) return "fair";
  return "good";
}
