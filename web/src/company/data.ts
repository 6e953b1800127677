import { useQuery } from "@tanstack/react-query";
import { api, ask, type Schemas } from "@/api/client";
import { useTenant } from "@/shell/me";

export type Menu = Schemas["Menu"];
export type Department = Schemas["Department"];
export type Room = Schemas["Room"];
export type NumberOf = Schemas["Number"];
export type Prompt = Schemas["Prompt"];

const MOST = { limit: 200 };

/** Lists whose query key begins with what changed (`configuration.changed`) are read again by the shell. */
export function useMenus() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["menu", tenant],
    queryFn: () =>
      ask(api.GET("/api/v1/tenants/{tenant}/menus", { params: { path: { tenant }, query: MOST } })),
  });
}

export function useMenu(menu: string | undefined) {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["menu", tenant, menu],
    enabled: menu !== undefined,
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/menus/{menu}", { params: { path: { tenant, menu: menu ?? "" } } }),
      ),
  });
}

export function useRooms() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["room", tenant],
    queryFn: () =>
      ask(api.GET("/api/v1/tenants/{tenant}/rooms", { params: { path: { tenant }, query: MOST } })),
  });
}

export function useNumbers() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["number", tenant],
    queryFn: () =>
      ask(api.GET("/api/v1/tenants/{tenant}/numbers", { params: { path: { tenant }, query: MOST } })),
  });
}

export function usePrompts() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["prompt", tenant],
    queryFn: () =>
      ask(api.GET("/api/v1/tenants/{tenant}/prompts", { params: { path: { tenant }, query: MOST } })),
  });
}

export function useMusic() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["music", tenant],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}/hold-music", { params: { path: { tenant } } })),
  });
}
