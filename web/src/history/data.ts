import { useInfiniteQuery } from "@tanstack/react-query";
import i18next from "i18next";
import { api, ask, type Schemas } from "@/api/client";
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

/** Calls that have ended, the newest first, page after page; one that ends comes by itself. */
export function useCallLog(wanted: Wanted, limit: number) {
  const tenant = useTenant();
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
