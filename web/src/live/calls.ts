import { useQuery } from "@tanstack/react-query";
import { api, ask, type Call, type Schemas } from "@/api/client";
import { number } from "@/parts/number";
import { useTenant } from "@/shell/me";

export type Leg = Schemas["Leg"];
export type Group = "arriving" | "waiting" | "talking" | "parked";

export const GROUPS: Group[] = ["arriving", "waiting", "talking", "parked"];
export const PARKING = ["700", "701", "702", "703", "704", "705", "706", "707", "708", "709"];

const GROUP_OF: Record<string, Group> = {
  ringing: "arriving",
  service: "arriving",
  waiting: "waiting",
  talking: "talking",
  held: "talking",
  conference: "talking",
  parked: "parked",
};

export const groupOf = (call: Call): Group => GROUP_OF[call.state] ?? "arriving";

/** Where a call can go: a number that is dialled, or a mailbox. */
export interface Target {
  to?: string;
  voicemail?: string;
  label: string;
}

/** The leg that moves: whoever called from outside, or was called there; else the API knows best. */
export function mover(call: Call): string | undefined {
  const outside = call.legs.filter((leg) => leg.party.kind === "outside" && leg.state === "answered");
  return outside.length === 1 ? outside[0]?.id : undefined;
}

/** Whom the call is with besides the caller. */
export function others(call: Call): Leg[] {
  return call.legs.filter(
    ({ party }) => party.person !== call.caller.person || party.number !== call.caller.number,
  );
}

export function nameOf(party: Schemas["Party"], withheld: string): string {
  return party.name || number(party.number) || withheld;
}

export function useCalls() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["calls", tenant],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}/calls", { params: { path: { tenant } } })),
  });
}

export function useDepartments() {
  const tenant = useTenant();
  return useQuery({
    queryKey: ["department", tenant],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/departments", {
          params: { path: { tenant }, query: { limit: 200 } },
        }),
      ),
  });
}
