import { useSyncExternalStore } from "react";
import { api, ask } from "@/api/client";
import type { PhoneView } from "@/phone/call";
import { Line } from "@/phone/line";

const NOTHING: PhoneView = { line: "connecting", microphone: "unknown", calls: [] };

/** The lines of this page: one's own, and in a demo that of the world outside. They outlive the pages. */
const lines = new Map<string, Line>();
const listeners = new Set<() => void>();

export function openLine(name: string, line: Line): void {
  lines.get(name)?.stop();
  lines.set(name, line);
  line.subscribe(() => {
    for (const listener of listeners) listener();
  });
  for (const listener of listeners) listener();
}

function closeLine(name: string): void {
  lines.get(name)?.stop();
  lines.delete(name);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** A line, and how it looks now. */
export function useLine(name = "own"): { line: Line | undefined; view: PhoneView } {
  const view = useSyncExternalStore(subscribe, () => lines.get(name)?.snapshot() ?? NOTHING);
  return { line: lines.get(name), view };
}

/** Where SIP over WebSocket is: at the host that serves the page. */
export function serverOf(socket: { secure: boolean; port: number }): string {
  return `${socket.secure ? "wss" : "ws"}://${location.hostname}:${socket.port}`;
}

export async function iceServers(): Promise<RTCIceServer[]> {
  const { ice_servers } = await ask(api.GET("/api/v1/me/ice-servers"));
  return ice_servers as RTCIceServer[]; // what the API leaves out is not null
}

let opening: Promise<void> | null = null;

/** Register the phone of whoever is signed in, once per page. */
export function openOwnLine(): Promise<void> {
  opening ??= (async () => {
    const phone = await ask(api.PUT("/api/v1/me/phone"));
    openLine(
      "own",
      new Line({
        name: phone.username,
        server: serverOf(phone.socket),
        username: phone.username,
        domain: phone.domain,
        password: phone.password,
        iceServers,
      }),
    );
  })();
  opening.catch(() => {
    opening = null;
  });
  return opening;
}

/** Whoever was signed in is no phone of this page any more. */
export function closeOwnLine(): void {
  opening = null;
  closeLine("own");
}
