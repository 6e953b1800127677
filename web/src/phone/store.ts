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

export function closeLine(name: string): void {
  lines.get(name)?.stop();
  lines.delete(name);
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

let opening: Promise<void> | null = null;

/** Register the phone of whoever is signed in, once per page. */
export function openOwnLine(): Promise<void> {
  opening ??= (async () => {
    const phone = await ask(api.PUT("/api/v1/me/phone"));
    const { secure, port } = phone.socket;
    openLine(
      "own",
      new Line({
        name: phone.username,
        server: `${secure ? "wss" : "ws"}://${location.hostname}:${port}`,
        username: phone.username,
        domain: phone.domain,
        password: phone.password,
        iceServers: async () => {
          const { ice_servers } = await ask(api.GET("/api/v1/me/ice-servers"));
          return ice_servers as RTCIceServer[]; // what the API leaves out is not null
        },
      }),
    );
  })();
  opening.catch(() => {
    opening = null;
  });
  return opening;
}
