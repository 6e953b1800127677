import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { Me } from "@/api/client";
import { eventsUrl, type LineState, type LiveEvent, LiveLine } from "@/api/events";
import { BECOMING } from "@/shell/me";

type Listener = (event: LiveEvent) => void;

interface Live {
  state: LineState;
  listen(listener: Listener): () => void;
}

const LiveContext = createContext<Live>({ state: "connecting", listen: () => () => {} });

/** Which lists an event makes old: the first part of their query keys. */
function outdated({ type, data }: LiveEvent): string[] {
  if (type === "call.logged") return ["log"];
  const [kind = ""] = type.split(".");
  if (kind === "call" || kind === "leg") return ["calls"];
  const what = kind === "configuration" ? String(data.what) : kind;
  return what === "preferences" ? [what, "presence"] : [what]; // who does not want to be disturbed
}

/** A call that begins is several events: one read for all of them. Who is free changes with every call of the company. */
const PAUSE_MS = 60;
const PAUSES_MS: Record<string, number> = { presence: 1_000 };

interface Props {
  tenant: string;
  me: Me;
  children: ReactNode;
}

/** Follows the live events that one may see of a tenant; lists whose query key begins with what changed are read again. */
export function LiveEvents({ tenant, me, children }: Props) {
  const queries = useQueryClient();
  const [state, setState] = useState<LineState>("connecting");
  const listeners = useRef(new Set<Listener>());

  // biome-ignore lint/correctness/useExhaustiveDependencies: a connection is its session's
  useEffect(() => {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const line = new LiveLine(eventsUrl(tenant), me.events, {
      onEvent(event) {
        for (const listener of listeners.current) listener(event);
        for (const key of outdated(event)) {
          if (timers.has(key)) continue;
          const read = () => {
            timers.delete(key);
            void queries.invalidateQueries({ queryKey: [key] });
          };
          timers.set(key, setTimeout(read, PAUSES_MS[key] ?? PAUSE_MS));
        }
      },
      onResync: () => void queries.invalidateQueries(),
      onState: setState,
      onSignedOut() {
        if (queries.isMutating({ mutationKey: BECOMING }) === 0)
          void queries.invalidateQueries({ queryKey: ["me"] });
      },
    });
    return () => {
      for (const timer of timers.values()) clearTimeout(timer);
      line.close();
    };
  }, [tenant, me.email, queries]);

  const live = useMemo<Live>(
    () => ({
      state,
      listen(listener) {
        listeners.current.add(listener);
        return () => void listeners.current.delete(listener);
      },
    }),
    [state],
  );
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

/** Whether live events come at the moment. */
export function useLineState(): LineState {
  return useContext(LiveContext).state;
}

/** Calls `listener` with each live event while the component is there. */
export function useLiveEvent(listener: Listener): void {
  const { listen } = useContext(LiveContext);
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => listen((event) => latest.current(event)), [listen]);
}
