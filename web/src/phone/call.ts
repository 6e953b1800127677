/** What a call is to whoever looks at it. */
export interface CallView {
  id: string;
  /** Whom one talks to: what was dialled, or who called. */
  number: string;
  name: string;
  incoming: boolean;
  state: "ringing" | "calling" | "talking" | "ended";
  held: boolean;
  muted: boolean;
  /** Part of a conference that this page mixes. */
  joined: boolean;
  /** When it was answered, in milliseconds since 1970. */
  since: number | null;
  quality: Quality | null;
  /** What was asked and could not be done yet, since the connection is lost. */
  waiting: boolean;
  /** Why it ended, as a key of the words. */
  reason: string | null;
}

export type Quality = "good" | "fair" | "poor" | "silent";

export interface PhoneView {
  line: "connecting" | "ready" | "lost" | "refused";
  /** Whether the browser lets us have the microphone. */
  microphone: "unknown" | "refused";
  calls: CallView[];
}

/** Why a call ended, as a key of the words, from the status of SIP. */
export function reasonOf(status: number | undefined, cause: string): string {
  if (cause === "User Denied Media Access") return "microphone";
  if (status === undefined) return "ended";
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
