import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, ask } from "@/api/client";
import { useTenant } from "@/shell/me";

/** The company's settings. */
export function useSettings() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["tenant", tenant],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}", { params: { path: { tenant } } })),
  });
}

/** Read these lists again: the answer to a change comes before its event. */
export function useRefresh() {
  const queries = useQueryClient();
  return useCallback(
    (...keys: string[]) => Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
    [queries],
  );
}
