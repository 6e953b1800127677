import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, type Schemas } from "@/api/client";
import { useMe, useTenant } from "@/shell/me";

export type Preferences = Schemas["Preferences"];
export type Changes = Partial<Preferences>;

/** Where one's calls can go in place of one's own phones. */
export const CASES = ["forward", "forward_busy", "forward_no_answer", "forward_unreachable"] as const;
export type Case = (typeof CASES)[number];

/** How somebody's calls are treated: one's own, if nobody else is named. */
export function usePreferences(whose?: string) {
  const tenant = useTenant();
  const own = useMe().person ?? "";
  const person = whose ?? own;
  return useQuery({
    queryKey: ["preferences", tenant, person],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/people/{person}/preferences", {
          params: { path: { tenant, person } },
        }),
      ),
  });
}

/** Changes some of them, from the next call on. */
export function usePrefer(whose?: string) {
  const queries = useQueryClient();
  const tenant = useTenant();
  const own = useMe().person ?? "";
  const person = whose ?? own;
  return useMutation({
    mutationFn: (body: Changes) =>
      ask(
        api.PATCH("/api/v1/tenants/{tenant}/people/{person}/preferences", {
          params: { path: { tenant, person } },
          body: body as Schemas["PreferenceChanges"],
        }),
      ),
    onSuccess: (now) => {
      queries.setQueryData(["preferences", tenant, person], now);
      void queries.invalidateQueries({ queryKey: ["presence"] });
    },
  });
}

/** Whose these extensions are, as far as they are anybody's. */
export function useNames(numbers: string[]): Map<string, string> {
  const tenant = useTenant();
  const wanted = [...new Set(numbers.filter((one) => /^[0-9]{2,6}$/.test(one)))].sort();
  const { data } = useQuery({
    queryKey: ["extension", tenant, wanted],
    enabled: wanted.length > 0,
    queryFn: async () => {
      const found = await Promise.all(
        wanted.map((q) =>
          ask(
            api.GET("/api/v1/tenants/{tenant}/extensions", {
              params: { path: { tenant }, query: { q, limit: 50 } },
            }),
          ),
        ),
      );
      const all = found.flatMap((page) => page.items);
      return wanted.flatMap((one) => {
        const name = all.find((x) => x.extension === one)?.leads_to.name;
        return name ? [[one, name] as const] : [];
      });
    },
  });
  return new Map(data);
}

/** One's mailbox: its greeting, whether it has a PIN. */
export function useOwnMailbox() {
  const tenant = useTenant();
  const mailbox = useMe().person ?? "";
  return useQuery({
    queryKey: ["mailbox", tenant, mailbox, "itself"],
    queryFn: () =>
      ask(api.GET("/api/v1/tenants/{tenant}/mailboxes/{mailbox}", { params: { path: { tenant, mailbox } } })),
  });
}
