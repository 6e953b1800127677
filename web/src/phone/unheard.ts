import type { Call } from "@/api/client";

/** Of the legs that hear nothing of whom they talk to: in which call each is, by its Call-ID. */
export function deafLegs(calls: Call[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { id, legs } of calls) {
    const talking = legs.filter((leg) => leg.state === "answered");
    for (const { sip_call_id: own } of talking) {
      const others = talking.filter((leg) => leg.sip_call_id !== own);
      if (own && others.length > 0 && others.every((leg) => leg.silent)) found.set(own, id);
    }
  }
  return found;
}
