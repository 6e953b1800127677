import { useQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { api, ask } from "@/api/client";
import { useMe, useTenant } from "@/shell/me";
import { whenTouched } from "@/shell/touched";

/** More are not counted. */
const MOST = 99;

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  globalThis.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    globalThis.removeEventListener("storage", listener);
  };
}

const nameOf = (person: string) => `tongdai.seen.${person}`;

/** Until when somebody has looked at his calls, as an ISO time. The first time there is nothing to catch up with. */
function seenUntil(person: string): string {
  const kept = localStorage.getItem(nameOf(person));
  if (kept !== null) return kept;
  const now = new Date().toISOString();
  localStorage.setItem(nameOf(person), now);
  return now;
}

function see(person: string): void {
  localStorage.setItem(nameOf(person), new Date().toISOString());
  for (const listener of listeners) listener();
}

/** How many of one's own calls nobody took since one looked last. */
export function useMissed(own: string): number {
  const tenant = useTenant();
  const person = useMe().person ?? "";
  const since = useSyncExternalStore(subscribe, () => seenUntil(person));
  const { data } = useQuery({
    queryKey: ["log", tenant, "missed", person, since],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/call-log", {
          params: { path: { tenant }, query: { person, missed: true, since, limit: MOST } },
        }),
      ),
  });
  return data?.items.filter((call) => call.caller !== own).length ?? 0;
}

/** The list of calls is shown: as soon as somebody is there, he has seen it. */
export function useSeeing(missed: number): void {
  const person = useMe().person ?? "";
  useEffect(() => {
    if (missed === 0) return;
    return whenTouched(() => !document.hidden && see(person));
  }, [missed, person]);
}
