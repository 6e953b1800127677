import type { LiveEvent } from "@/api/events";

const MOST = 200;

interface Seen {
  call: string;
  name: string;
  number: string;
  person: string;
}

/** Who answers the calls that ring here: out of the live events, since CANCEL does not say. */
export class Answerers {
  private readonly legs = new Map<string, Seen>();
  private readonly callers = new Map<string, string>();

  /** The number of whoever called, and who answered him, when that is what happened. */
  hear({ type, data }: LiveEvent): { caller: string; name: string; person: string } | null {
    const call = String(data.call);
    const party = data.party as { number: string; name: string; person: string } | undefined;
    if (type === "call.started" && party) remember(this.callers, call, party.number);
    if (type === "leg.calling" && party) {
      remember(this.legs, String(data.leg), { call, ...party });
    }
    const leg = type === "leg.answered" ? this.legs.get(String(data.leg)) : undefined;
    const caller = leg && this.callers.get(leg.call);
    return leg && caller !== undefined ? { caller, name: leg.name || leg.number, person: leg.person } : null;
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  for (const old of map.keys()) {
    if (map.size <= MOST) break;
    map.delete(old);
  }
}
