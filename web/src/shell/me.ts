import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext } from "react";
import { api, ask, type Me } from "@/api/client";

const MeContext = createContext<Me | null>(null);
export const MeProvider = MeContext.Provider;

/** Whoever is signed in. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error("useMe outside of the signed-in part");
  return me;
}

/** The tenant of whoever is signed in; pages that need one are not shown to a provider. */
export function useTenant(): string {
  return useMe().tenant ?? "";
}

export function useSession() {
  return useQuery({ queryKey: ["me"], queryFn: () => ask(api.GET("/api/v1/me")), staleTime: Infinity });
}

/** The key of the change from one person to another: in its midst nobody is signed in, and that is meant so. */
export const BECOMING = ["become"];

/** Whom a demo lets one be by a click. */
export function useOffers() {
  return useQuery({
    queryKey: ["offers"],
    queryFn: () => ask(api.GET("/api/v1/sign-in/offers")),
    staleTime: Infinity,
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useCallback(async () => {
    await ask(api.POST("/api/v1/sign-out")).catch(() => undefined);
    queries.clear();
    location.assign("/");
  }, [queries]);
}
