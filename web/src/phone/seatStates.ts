/** Which tab holds the phone: the states of one tab, and what it does at each event. `seat.ts` carries it out. */

export type SeatState =
  /** Whether another tab holds the phone is being found out. */
  | "asking"
  /** Another one does. */
  | "waiting"
  /** This one wants it: somebody asked for it here, or had it here before a reload. */
  | "wanting"
  /** The other one talks, and will hand it over after that. */
  | "next"
  /** The other one was told to let go, or does not answer. */
  | "taking"
  /** The other one vanished; it may only be reloading, and then comes back for it. */
  | "minding"
  | "holding"
  /** Holding it while another one waits for the end of a call. */
  | "owing"
  /** Let go; the other one takes it in a moment. */
  | "giving";

export type SeatEvent =
  | "free"
  | "taken"
  /** The other one let go of it, or was closed. */
  | "granted"
  /** Another one took it. */
  | "lost"
  /** Somebody asks for it here. */
  | "take"
  /** Another one asks for it, while there are no calls here, and while there are. */
  | "wanted"
  | "wantedInCall"
  /** The last call has ended. */
  | "idle"
  /** The other one answers: it is yours; not while I talk. */
  | "yours"
  | "talking"
  /** Too much time has passed. */
  | "late";

export type SeatAct =
  | "open"
  | "close"
  /** Wait in line for it; do not wait for it. */
  | "queue"
  | "steal"
  | "say wanted"
  | "say yours"
  | "say talking"
  | "wait for answer"
  | "wait for return";

type Row = Partial<Record<SeatEvent, [SeatState, ...SeatAct[]]>>;

export const SEAT: Record<SeatState, Row> = {
  asking: {
    free: ["holding", "open"],
    taken: ["waiting", "queue"],
  },
  waiting: {
    granted: ["minding", "wait for return"],
    take: ["wanting", "say wanted", "wait for answer"],
  },
  wanting: {
    granted: ["holding", "open"],
    yours: ["taking", "steal"],
    talking: ["next"],
    late: ["taking", "steal"],
  },
  next: {
    granted: ["minding", "wait for return"],
    yours: ["taking", "steal"],
    take: ["wanting", "say wanted", "wait for answer"],
  },
  taking: {
    granted: ["holding", "open"],
  },
  minding: {
    wanted: ["giving", "say yours", "wait for answer"],
    lost: ["waiting", "queue"],
    take: ["holding", "open"],
    late: ["holding", "open"],
  },
  holding: {
    wanted: ["giving", "close", "say yours", "wait for answer"],
    wantedInCall: ["owing", "say talking"],
    lost: ["waiting", "close", "queue"],
  },
  owing: {
    wanted: ["giving", "close", "say yours", "wait for answer"],
    wantedInCall: ["owing", "say talking"],
    idle: ["giving", "close", "say yours", "wait for answer"],
    lost: ["waiting", "close", "queue"],
  },
  giving: {
    lost: ["waiting", "queue"],
    late: ["holding", "open"],
    take: ["holding", "open"],
  },
};

/** What a tab does at an event; null where the event means nothing to it. */
export function step(state: SeatState, event: SeatEvent): { state: SeatState; acts: SeatAct[] } | null {
  const [next, ...acts] = SEAT[state][event] ?? [];
  return next === undefined ? null : { state: next, acts };
}
