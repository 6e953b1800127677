import { useSyncExternalStore } from "react";
import { api, ask } from "@/api/client";
import { isRefusal } from "@/api/problem";
import type { PhoneView } from "@/phone/call";
import { Line, type LineConfig } from "@/phone/line";
import { Seat } from "@/phone/seat";
import { setBusy } from "@/shell/busy";

const NOTHING: PhoneView = { line: "connecting", microphone: null, calls: [] };
const ELSEWHERE: PhoneView = { ...NOTHING, line: "elsewhere" };
const BUSY_ELSEWHERE: PhoneView = { ...NOTHING, line: "busyElsewhere" };

/** A line, when this tab of the browser is the one that holds it. */
class Place {
  line: Line | undefined;
  readonly seat: Seat | null;

  constructor(
    private readonly name: string,
    config: LineConfig,
  ) {
    const open = () => {
      this.line = new Line(config);
      this.line.subscribe(() => this.changed());
    };
    const close = () => {
      this.line?.stop();
      this.line = undefined;
    };
    // without the locks of a secure page every tab is a phone of its own
    if (!("locks" in navigator)) {
      this.seat = null;
      open();
      return;
    }
    this.seat = new Seat(`tongdai.phone.${config.name}`, {
      open,
      close,
      isTalking: () => this.line?.isTalking ?? false,
      changed: () => this.changed(),
    });
  }

  private changed(): void {
    setBusy(this.name, this.line?.isTalking ?? false);
    this.seat?.callsChanged();
    tell();
  }

  get view(): PhoneView {
    if (this.line) return this.line.snapshot();
    const state = this.seat?.state;
    if (state === "next") return BUSY_ELSEWHERE;
    return state === "waiting" || state === "giving" ? ELSEWHERE : NOTHING;
  }

  close(): void {
    this.line?.stop();
    this.seat?.close();
    setBusy(this.name, false);
  }
}

/** The lines of this page: one's own, and in a demo that of the world outside. They outlive the pages. */
const places = new Map<string, Place>();
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

export function openLine(name: string, config: LineConfig): void {
  places.get(name)?.close();
  places.set(name, new Place(name, config));
  tell();
}

function closeLine(name: string): void {
  places.get(name)?.close();
  places.delete(name);
  tell();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** A line, if it is in this tab, and how it looks now. */
export function useLine(name = "own"): { line: Line | undefined; view: PhoneView } {
  const view = useSyncExternalStore(subscribe, () => places.get(name)?.view ?? NOTHING);
  return { line: places.get(name)?.line, view };
}

/** Be the phone in this tab; another one lets go of it as soon as it does not talk. */
export function takeLine(name = "own"): void {
  places.get(name)?.seat?.take();
}

/** Where SIP over WebSocket is: at the host that serves the page. */
export function serverOf(socket: { secure: boolean; port: number }): string {
  return `${socket.secure ? "wss" : "ws"}://${location.hostname}:${socket.port}`;
}

export async function iceServers(): Promise<RTCIceServer[]> {
  const { ice_servers } = await ask(api.GET("/api/v1/me/ice-servers"));
  return ice_servers as RTCIceServer[]; // what the API leaves out is not null
}

const AGAIN_MS = 3_000;

let opening: Promise<void> | null = null;
let failure: unknown = null;
let again: ReturnType<typeof setTimeout> | undefined;

/** Register the phone of whoever is signed in, once per page, and as often as it takes. Who does it follows the events of its calls, too. */
export function openOwnLine(): void {
  if (opening !== null) return;
  const mine: Promise<void> = ask(api.PUT("/api/v1/me/phone")).then((phone) => {
    if (opening !== mine) return; // somebody else signed in meanwhile
    failure = null;
    openLine("own", {
      name: phone.username,
      server: serverOf(phone.socket),
      username: phone.username,
      domain: phone.domain,
      password: phone.password,
      iceServers,
    });
  });
  opening = mine;
  mine.catch((error) => {
    if (opening !== mine) return;
    failure = error;
    tell();
    if (isRefusal(error)) return;
    again = setTimeout(() => {
      opening = null;
      openOwnLine();
    }, AGAIN_MS);
  });
}

/** Why one's phone could not be registered yet; null when it could. */
export function useOwnFailure(): unknown {
  return useSyncExternalStore(subscribe, () => failure);
}

/** Whoever was signed in is no phone of this page any more. */
export function closeOwnLine(): void {
  clearTimeout(again);
  opening = failure = null;
  closeLine("own");
}
