import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Call } from "@/api/client";
import { asProblem } from "@/api/problem";
import { mover, nameOf, type Target } from "@/live/calls";
import { useTenant } from "@/shell/me";

/** What can be done to a call. Each tells `say` what came of it. */
export interface Acts {
  move(call: Call, target: Target): void;
  park(call: Call): void;
  take(call: Call): void;
  hold(call: Call, on: boolean): void;
  hangUp(call: Call): void;
}

export function useActs(say: (words: string) => void): Acts {
  const tenant = useTenant();
  const { t } = useTranslation("live");
  return useMemo(() => {
    const path = (call: Call) => ({ tenant, call: call.id });
    const who = (call: Call) => nameOf(call.caller, t("withheld"));
    const act = (doing: Promise<string>) =>
      void doing.then(say, (problem: unknown) => say(asProblem(problem).words));
    return {
      move: (call, { to, voicemail, label }) =>
        act(
          ask(
            api.POST("/api/v1/tenants/{tenant}/calls/{call}/transfer", {
              params: { path: path(call) },
              body: { to, voicemail, leg: mover(call) },
            }),
          ).then(() => t("sent", { who: who(call), to: label })),
        ),
      park: (call) =>
        act(
          ask(api.POST("/api/v1/tenants/{tenant}/calls/{call}/park", { params: { path: path(call) } })).then(
            ({ to }) => t("parkedAt", { who: who(call), to }),
          ),
        ),
      take: (call) =>
        act(
          ask(
            api.POST("/api/v1/tenants/{tenant}/calls/{call}/pull", {
              params: { path: path(call) },
              body: { leg: mover(call) },
            }),
          ).then(() => t("taken")),
        ),
      hold(call, on) {
        const leg = call.legs.find((one) => one.holding) ?? call.legs.find(({ party }) => party.person);
        if (leg === undefined) return;
        act(
          ask(
            api.POST("/api/v1/tenants/{tenant}/calls/{call}/hold", {
              params: { path: path(call) },
              body: { leg: leg.id, on },
            }),
          ).then(() => t(on ? "states.held" : "states.talking")),
        );
      },
      hangUp: (call) =>
        act(
          ask(api.DELETE("/api/v1/tenants/{tenant}/calls/{call}", { params: { path: path(call) } })).then(
            () => t("ended"),
          ),
        ),
    };
  }, [tenant, t, say]);
}
