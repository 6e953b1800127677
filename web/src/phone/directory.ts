import { keepPreviousData, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ask, type Person, type Schemas } from "@/api/client";
import { useMe, useTenant } from "@/shell/me";

const MOST = 50;

function search(tenant: string, q: string) {
  return queryOptions({
    queryKey: ["person", tenant, "search", q],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/people", {
          params: { path: { tenant }, query: { q, limit: MOST } },
        }),
      ),
  });
}

/** Who can be called, by a part of the name; at most 50. */
export function usePeople(q: string) {
  return useQuery({ ...search(useTenant(), q), placeholderData: keepPreviousData });
}

/** Finds who is meant by a part of the name, whether or not the list shows that already. */
export function useFinder(): (q: string) => Promise<Person[]> {
  const tenant = useTenant();
  const queries = useQueryClient();
  return async (q) => (await queries.fetchQuery({ ...search(tenant, q), retry: false })).items;
}

/** The number at which one is called oneself. */
export function useOwnExtension(): string {
  const tenant = useTenant();
  const person = useMe().person ?? "";
  const { data } = useQuery({
    queryKey: ["person", tenant, person],
    queryFn: () =>
      ask(api.GET("/api/v1/tenants/{tenant}/people/{person}", { params: { path: { tenant, person } } })),
  });
  return data?.extension ?? "";
}

const stateOf = ({ state, do_not_disturb: quiet }: Schemas["Presence"]) =>
  quiet && state === "available" ? "dnd" : state;

/** Of each person by id: available, dnd, ringing, talking or offline. */
export function usePresence(): Map<string, string> {
  const tenant = useTenant();
  const { data } = useQuery({
    queryKey: ["presence", tenant],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}/presence", { params: { path: { tenant } } })),
  });
  return useMemo(() => new Map(data?.map((one) => [one.person, stateOf(one)])), [data]);
}

/** Whether somebody typed a number and no name. */
export function isNumber(text: string): boolean {
  return /^[+*#0-9][*#0-9 ().-]*$/.test(text.trim());
}

export function plainNumber(text: string): string {
  return text.replace(/[^+*#0-9]/g, "");
}

export function reachable(person: Person): person is Person & { extension: string } {
  return !!person.extension;
}
