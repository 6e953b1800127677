import type { Call } from "@/api/client";
import type { LiveEvent } from "@/api/events";

const MOST = 200;

interface Party {
  number: string;
  name?: string;
  person?: string | null;
}

/** Who answers the calls that ring here: out of the live events, since CANCEL does not say. */
export class Answerers {
  private readonly legs = new Map<string, Party & { call: string }>();
  private readonly rang = new Map<string, true>();

  /** The name of whoever answered a call that rings at `me`, too, when that is what happened. */
  hear({ type, data }: LiveEvent, me: string): string | null {
    const [call, leg] = [String(data.call), String(data.leg)];
    if (type === "leg.calling") this.called(call, leg, data.party as Party, me);
    const by = type === "leg.answered" ? this.legs.get(leg) : undefined;
    return by && by.person !== me && this.rang.has(by.call) ? by.name || by.number : null;
  }

  /** Calls that had begun before the first event. */
  know(calls: Call[], me: string): void {
    for (const call of calls) for (const leg of call.legs) this.called(call.id, leg.id, leg.party, me);
  }

  private called(call: string, leg: string, party: Party, me: string): void {
    remember(this.legs, leg, { call, ...party });
    if (party.person === me) remember(this.rang, call, true);
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  for (const old of map.keys()) {
    if (map.size <= MOST) break;
    map.delete(old);
  }
}
