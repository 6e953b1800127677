import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { eventsUrl, type LineState, type LiveEvent, LiveLine } from "@/api/events";

type Listener = (event: LiveEvent) => void;

interface Live {
  state: LineState;
  listen(listener: Listener): () => void;
}

const LiveContext = createContext<Live>({ state: "connecting", listen: () => () => {} });

/** Which lists an event makes old: the first part of their query keys. */
export function outdated(event: LiveEvent): string | null {
  const kind = event.type.split(".")[0];
  if (kind === "call" || kind === "leg") return "calls";
  if (kind === "presence" || kind === "mailbox" || kind === "preferences") return kind;
  if (event.type === "configuration.changed") return String(event.data.what);
  return null;
}

/** Follows the live events of a tenant; lists whose query key begins with what changed are read again. */
export function LiveEvents({ tenant, children }: { tenant: string; children: ReactNode }) {
  const queries = useQueryClient();
  const [state, setState] = useState<LineState>("connecting");
  const listeners = useRef(new Set<Listener>());

  useEffect(() => {
    const old = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const line = new LiveLine(eventsUrl(tenant), {
      onEvent(event) {
        for (const listener of listeners.current) listener(event);
        const key = outdated(event);
        if (key === null) return;
        old.add(key);
        timer ??= setTimeout(() => {
          timer = undefined;
          for (const one of old) queries.invalidateQueries({ queryKey: [one] });
          old.clear();
        }, 60); // a call that begins is several events: one read for all of them
      },
      onResync: () => void queries.invalidateQueries(),
      onState: setState,
      onSignedOut: () => void queries.invalidateQueries({ queryKey: ["me"] }),
    });
    return () => {
      clearTimeout(timer);
      line.close();
    };
  }, [tenant, queries]);

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
