import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import i18next from "i18next";
import { useEffect, useRef } from "react";
import { api, ask, type Schemas } from "@/api/client";
import { useLiveEvent } from "@/shell/Live";
import { useTenant } from "@/shell/me";

export type Logged = Schemas["LoggedCall"];

/** Which calls, as the API wants it. */
export interface Wanted {
  person?: string;
  number?: string;
  direction?: Logged["direction"];
  missed?: boolean;
  since?: string;
  until?: string;
}

/** A call is written down a moment after it has ended, when its sound is measured. */
const WRITTEN_MS = 1_000;

/** Calls that have ended, the newest first, page after page; one that ends comes by itself. */
export function useCallLog(wanted: Wanted, limit: number) {
  const tenant = useTenant();
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useLiveEvent(({ type }) => {
    if (type !== "call.ended" && type !== "leg.measured") return;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void queries.invalidateQueries({ queryKey: ["log"] }), WRITTEN_MS);
  });
  return useInfiniteQuery({
    queryKey: ["log", tenant, wanted, i18next.language],
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/call-log", {
          params: { path: { tenant }, query: { ...wanted, limit, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}
