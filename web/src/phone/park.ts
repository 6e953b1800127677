import i18next from "i18next";
import { api, ask } from "@/api/client";

/** Park the call that one has with this number; returns the place. Throws `Problem`, or an error in words. */
export async function park(tenant: string, number: string): Promise<string> {
  const calls = await ask(api.GET("/api/v1/tenants/{tenant}/calls", { params: { path: { tenant } } }));
  const mine = calls.filter((call) => call.legs.some((leg) => leg.party.number === number));
  const [one] = mine;
  if (one === undefined || mine.length > 1) throw new Error(i18next.t("phone:parkFailed"));
  const done = await ask(
    api.POST("/api/v1/tenants/{tenant}/calls/{call}/park", { params: { path: { tenant, call: one.id } } }),
  );
  return done.to;
}
