import i18next from "i18next";
import { api, ask, type Call } from "@/api/client";

/** The call that one has in this dialog, by its Call-ID. */
export function callOf(calls: Call[], callId: string): Call | undefined {
  return calls.find((call) => call.legs.some((leg) => leg.sip_call_id === callId));
}

/** Park whom one talks to in this dialog; returns the place. Throws `Problem`, or an error in words. */
export async function park(tenant: string, callId: string): Promise<string> {
  const path = { tenant };
  const mine = callOf(await ask(api.GET("/api/v1/tenants/{tenant}/calls", { params: { path } })), callId);
  if (mine === undefined) throw new Error(i18next.t("phone:parkFailed"));
  const done = await ask(
    api.POST("/api/v1/tenants/{tenant}/calls/{call}/park", { params: { path: { tenant, call: mine.id } } }),
  );
  return done.to;
}
