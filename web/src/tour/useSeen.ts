import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ask } from "@/api/client";
import { useCalls } from "@/live/calls";
import type { OutsideCompany } from "@/outside/account";
import { type Half, useChosen } from "@/outside/speaking";
import { useMailbox } from "@/phone/mailbox";
import { useLine } from "@/phone/store";
import { useMe, useTenant } from "@/shell/me";
import type { Progress } from "@/tour/progress";
import type { Seen } from "@/tour/steps";

/** Looks at both telephones and at the company's lists, which live events keep fresh. */
export function useSeen(company: OutsideCompany, progress: Progress): Seen {
  const me = useMe();
  const outside = useLine("outside").view;
  const own = useLine("own").view;
  const calls = useCalls().data ?? [];
  const messages = useMailbox().data;
  const greeting = useGreeting().data;
  const spoke = useSpoke(progress.before.at);
  return {
    outside,
    own,
    main: company.main,
    conference: company.conference,
    administrator: me.role === "administrator",
    personally: calls.some((call) => call.state === "ringing" && call.place === me.name),
    spoke,
    messages: messages?.length ?? null,
    heard: messages?.[0]?.saved ?? false,
    together: calls.some(
      (call) => call.state === "conference" && call.legs.some((leg) => leg.party.kind === "outside"),
    ),
    greeting: greeting ?? null,
    before: progress.before,
  };
}

/** The halves in which one has spoken since then. */
function useSpoke(since: number): ReadonlySet<Half> {
  const half = useChosen();
  const [spoke, setSpoke] = useState<{ since: number; halves: ReadonlySet<Half> }>({
    since,
    halves: new Set(),
  });
  useEffect(() => {
    setSpoke((before) => ({
      since,
      halves: new Set(before.since === since ? [...before.halves, half] : [half]),
    }));
  }, [since, half]);
  return spoke.since === since ? spoke.halves : new Set();
}

/** What callers of the company are greeted with, as one text that changes with it; for administrators. */
function useGreeting() {
  const tenant = useTenant();
  const administrator = useMe().role === "administrator";
  return useQuery({
    queryKey: ["menu", tenant, "greetings"],
    enabled: administrator,
    queryFn: async () => {
      const path = { tenant };
      const { items } = await ask(
        api.GET("/api/v1/tenants/{tenant}/menus", { params: { path, query: { limit: 50 } } }),
      );
      const menus = await Promise.all(
        items
          .filter((item) => item.simple)
          .map(({ id }) =>
            ask(api.GET("/api/v1/tenants/{tenant}/menus/{menu}", { params: { path: { tenant, menu: id } } })),
          ),
      );
      return JSON.stringify(menus.map((menu) => menu.greeting));
    },
  });
}
