import type { Half } from "@/outside/speaking";
import type { CallView, PhoneView } from "@/phone/call";

/** What was there when a step began; null: not known yet. */
export interface Before {
  /** Milliseconds since 1970. */
  at: number;
  messages: number | null;
  greeting: string | null;
}

/** What the tour sees: the two telephones, and what the company's lists say. */
export interface Seen {
  outside: PhoneView;
  own: PhoneView;
  /** Numbers of the company, E.164. */
  main: string;
  conference: string;
  administrator: boolean;
  /** Whether it is oneself who is called, and no department that one belongs to. */
  personally: boolean;
  /** In which halves one has spoken since the step began. */
  spoke: ReadonlySet<Half>;
  messages: number | null;
  /** Whether the newest message was listened to. */
  heard: boolean;
  /** Whether somebody from outside is in a conference with us. */
  together: boolean;
  greeting: string | null;
  before: Before;
}

export const STEPS = [
  "call",
  "menu",
  "answer",
  "speak",
  "hold",
  "resume",
  "transfer",
  "again",
  "decline",
  "leave",
  "listen",
  "admin",
  "room",
  "join",
  "greeting",
  "hear",
] as const;
export type StepName = (typeof STEPS)[number];

export interface Step {
  half: Half;
  /** Whether it was done. */
  done(seen: Seen): boolean;
  /** What it goes on from; without it the tour goes back to the step `back`. */
  needs?(seen: Seen): boolean;
  back?: StepName;
  /** Milliseconds until it goes back, where what was done may take longer than usual to be seen. */
  patience?: number;
  /** What to press next, as a CSS selector within the half. */
  press(seen: Seen): string;
}

const live = (view: PhoneView): CallView | undefined =>
  view.calls.find((call) => call.state === "talking" || call.state === "calling");
const talks = (view: PhoneView): CallView | undefined => view.calls.find((call) => call.state === "talking");
const rings = (view: PhoneView): boolean => view.calls.some((call) => call.state === "ringing");
const both = (seen: Seen): boolean => !!live(seen.outside) && !!talks(seen.own);
/** The caller talks, and not with us. */
const passedOn = ({ own, outside }: Seen): boolean =>
  !!talks(outside) && !own.calls.some((call) => call.state !== "ended");

const HANG_UP = ".split-end button:last-child";
const contact = (id: string) => `[data-tour="${id}"]`;
const key = (digit: string) => `.keypad [aria-label="${digit}"]`;
const CONTROL = (n: number) => `.controls .control:nth-child(${n})`;
const END = ".call.talking .callEnd button:last-child";

/** What is done in the five minutes: each is recognised by what happens, not by what was pressed. */
export const TABLE: Record<StepName, Step> = {
  call: {
    half: "outside",
    done: ({ outside, main }) => talks(outside)?.number === main,
    press: ({ main }) => contact(main),
  },
  menu: {
    half: "outside",
    done: ({ own }) => rings(own),
    needs: ({ outside }) => !!live(outside),
    back: "call",
    press: () => key("1"),
  },
  answer: {
    half: "own",
    done: ({ own, outside }) => !!talks(own) && !!talks(outside),
    needs: ({ own, outside }) => !!live(outside) && (rings(own) || !!talks(own)),
    back: "call",
    press: () => ".call.ringing button:last-child",
  },
  speak: {
    half: "outside",
    done: ({ spoke }) => spoke.size === 2,
    needs: both,
    back: "call",
    press: () => ".split-voice",
  },
  hold: {
    half: "own",
    done: ({ own }) => own.calls.some((call) => call.held),
    needs: both,
    back: "call",
    press: () => CONTROL(3),
  },
  resume: {
    half: "own",
    done: ({ own }) => talks(own)?.held === false,
    needs: both,
    back: "call",
    press: () => CONTROL(3),
  },
  transfer: {
    half: "own",
    done: passedOn,
    needs: ({ outside }) => !!talks(outside),
    back: "call",
    press: () => CONTROL(4),
  },
  again: {
    half: "outside",
    done: ({ own, personally }) => rings(own) && personally,
    press: ({ outside, main, before }) => {
      const call = live(outside);
      if (!call) return contact(main);
      return (call.since ?? Infinity) > before.at ? ".keypad" : HANG_UP;
    },
  },
  decline: {
    half: "own",
    done: passedOn,
    needs: ({ outside }) => !!live(outside),
    back: "again",
    press: () => ".call.ringing button:first-child",
  },
  leave: {
    half: "outside",
    done: ({ messages, before }) =>
      messages !== null && before.messages !== null && messages > before.messages,
    needs: ({ outside }) => !!live(outside),
    back: "again",
    patience: 20_000,
    press: () => HANG_UP,
  },
  listen: {
    half: "own",
    done: ({ heard }) => heard,
    press: () => ".message:first-child .player button, [role=tab][id$='-tab-voicemail']",
  },
  admin: {
    half: "own",
    done: ({ administrator }) => administrator,
    press: () => ".split-who",
  },
  room: {
    half: "own",
    done: ({ own }) => talks(own)?.number === "600",
    press: () => ".whom input",
  },
  join: {
    half: "outside",
    done: ({ together }) => together,
    needs: ({ own }) => !!live(own),
    back: "room",
    press: ({ outside, conference }) => (live(outside) ? ".keypad" : contact(conference)),
  },
  greeting: {
    half: "own",
    done: ({ greeting, before }) =>
      greeting !== null && before.greeting !== null && greeting !== before.greeting,
    press: ({ own }) => (live(own) ? END : ".company textarea, .rail a[href='/company']"),
  },
  hear: {
    half: "outside",
    done: ({ outside, main, before }) => {
      const call = talks(outside);
      return call?.number === main && (call.since ?? 0) > before.at;
    },
    press: ({ outside, main }) => (live(outside) ? HANG_UP : contact(main)),
  },
};

/** The step after this one; null after the last. */
export function after(step: StepName): StepName | null {
  return STEPS[STEPS.indexOf(step) + 1] ?? null;
}
