import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
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

export function useSettings() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["tenant", tenant],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}", { params: { path: { tenant } } })),
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

/** Read these lists again: the answer to a change comes before its event. */
export function useRefresh() {
  const queries = useQueryClient();
  return useCallback(
    (...keys: string[]) => Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
    [queries],
  );
}

/** A sound of the company's own, out of a file or a recording. */
export function uploadPrompt(tenant: string, name: string, sound: Blob): Promise<Prompt> {
  return ask(
    api.POST("/api/v1/tenants/{tenant}/prompts/upload", {
      params: { path: { tenant }, query: { name: name.slice(0, 100) } },
      body: sound as unknown as string,
      bodySerializer: (body: unknown) => body,
      headers: { "Content-Type": sound.type.startsWith("audio/") ? sound.type : "audio/wav" },
    } as never),
  ) as Promise<Prompt>;
}

/** Words as a voice says them. */
export async function speech(tenant: string, text: string, language: "en" | "vi"): Promise<Blob> {
  return (await ask(
    api.POST("/api/v1/tenants/{tenant}/speech", {
      params: { path: { tenant } },
      body: { text, language },
      parseAs: "blob",
    }),
  )) as unknown as Blob;
}
