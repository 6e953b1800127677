import JsSIP from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { UA } from "jssip/lib/UA";
import type { CallView, PhoneView } from "@/phone/call";
import { PhoneCall } from "@/phone/phoneCall";
import { keepCalls, keptCalls, type Rejoin } from "@/phone/rejoin";
import { openMicrophone, whyNoMicrophone } from "@/phone/sound";
import { Wire, type WireState } from "@/phone/wire";

export interface LineConfig {
  /** Tells this line from others of the page in what is kept through a reload. */
  name: string;
  /** Address of SIP over WebSocket. */
  server: string;
  username: string;
  domain: string;
  password: string;
  iceServers(): Promise<RTCIceServer[]>;
}

const ENDED_MS = 4_000;
/** Before a server that is not well is asked again. */
const REFUSED_MS = 5_000;

const LINE: Record<WireState, PhoneView["line"]> = {
  connecting: "connecting",
  open: "ready",
  lost: "lost",
  closed: "lost",
};

/** One telephone line: an account that is registered, and its calls. A store for `useSyncExternalStore`. */
export class Line {
  private readonly calls: PhoneCall[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly ua: UA;
  private readonly wire: Wire;
  private state: PhoneView["line"] = "connecting";
  private microphone: PhoneView["microphone"] = null;
  private view: PhoneView = { line: "connecting", microphone: null, calls: [] };
  private queue: (() => void)[] = [];
  private rejoining: Rejoin[] | null;
  /** Whether one speaks and listens at this line; a page with two of them has one at a time. */
  attended = { speaks: true, hears: true };

  constructor(private readonly config: LineConfig) {
    this.rejoining = keptCalls(config.name);
    const kept = `tongdai.instance.${config.name}`;
    const instance = sessionStorage.getItem(kept) ?? crypto.randomUUID();
    sessionStorage.setItem(kept, instance);
    this.wire = new Wire(config.server, {
      onState: (state) => this.connection(state),
      onBack: () => this.ua.register(),
      onWake: () => this.revive(),
    });
    this.ua = new JsSIP.UA({
      sockets: [this.wire],
      uri: `sip:${config.username}@${config.domain}`,
      password: config.password,
      instance_id: instance,
      user_agent: "tongdai web",
      session_timers: false, // the server refreshes
      register_expires: 300,
    });
    this.ua.on("registrationFailed", ({ response }: { response?: { status_code: number } | null }) => {
      const status = response?.status_code ?? 503;
      if (status < 500) this.become("refused");
      else setTimeout(() => this.state !== "ready" && this.ua.register(), REFUSED_MS);
    });
    this.ua.on("newRTCSession", ({ originator, session }: { originator: string; session: RTCSession }) => {
      if (originator === "remote") this.add(new PhoneCall(this, session));
    });
    globalThis.addEventListener("pagehide", this.keep);
    this.ua.start();
  }

  stop(): void {
    globalThis.removeEventListener("pagehide", this.keep);
    for (const call of this.calls) call.hangUp();
    this.keep();
    this.ua.stop();
  }

  // what is seen

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly snapshot = (): PhoneView => this.view;

  changed(): void {
    this.wire.busy = this.isTalking;
    this.view = {
      line: this.state,
      microphone: this.microphone,
      calls: this.calls.map((call) => call.view),
    };
    for (const listener of this.listeners) listener();
  }

  private become(state: PhoneView["line"]): void {
    this.state = state;
    this.changed();
  }

  /** Whether there are calls that are not over, ringing ones too. */
  get isTalking(): boolean {
    return this.calls.some((call) => call.view.state !== "ended");
  }

  // the connection

  private connection(state: WireState): void {
    this.become(LINE[state]);
    if (state !== "open") return;
    for (const action of this.queue.splice(0)) action();
    this.revive();
    for (const call of this.calls) call.settle();
    const kept = this.rejoining?.filter((one) => !this.rejoined(one)) ?? [];
    this.rejoining = null;
    for (const one of kept) void this.rejoin(one);
  }

  private revive(): void {
    for (const call of this.calls) call.revive();
  }

  get connected(): boolean {
    return this.wire.isOpen;
  }

  /** At once, or as soon as the connection is back. */
  whenConnected(action: () => void): void {
    if (this.connected) action();
    else this.queue.push(action);
  }

  address(number: string): string {
    return `sip:${number.replaceAll("#", "%23")}@${this.config.domain}`;
  }

  // what is done

  /** Call somebody; whoever one talks to meanwhile is put on hold. */
  async call(number: string, name = ""): Promise<void> {
    const media = await this.media();
    if (media === null) return;
    this.holdOthers(null);
    this.dial({ number, name, ...media });
  }

  private dial(
    to: { number: string; name: string; microphone: MediaStreamTrack; pcConfig: RTCConfiguration },
    kept: Rejoin | null = null,
  ): void {
    const session = this.ua.call(this.address(to.number), {
      mediaStream: new MediaStream([to.microphone]),
      pcConfig: to.pcConfig,
      extraHeaders: kept
        ? [`Replaces: ${kept.call};to-tag=${kept.remote};from-tag=${kept.local}`, "Require: replaces"]
        : [],
    });
    this.add(new PhoneCall(this, session, to, kept));
  }

  async answer(id: string): Promise<void> {
    const media = await this.media();
    const call = this.find(id);
    if (media === null) return;
    this.holdOthers(id);
    if (call) call.answer(media.microphone, media.pcConfig);
    else media.microphone.stop();
  }

  find(id: string): PhoneCall | undefined {
    return this.calls.find((call) => call.id === id);
  }

  /** Go on with this call; the others wait. */
  resume(id: string): void {
    this.holdOthers(id);
    this.find(id)?.hold(false);
  }

  /** Whom a second call reached gets the first one. */
  complete(from: string, to: string): void {
    const [first, second] = [this.find(from), this.find(to)];
    if (first && second) first.transfer(second.number, second);
  }

  attend(speaks: boolean, hears: boolean): void {
    this.attended = { speaks, hears };
    for (const call of this.calls) call.attend();
  }

  /** Somebody else has answered what rings here; of several calls it is not known which. */
  answeredBy(name: string): void {
    const [call, ...more] = this.calls.filter((one) => one.isUnexplained);
    if (more.length === 0) call?.answeredBy(name);
  }

  /** What the server says of who is not heard (`deafLegs`); returns in which of its calls that concerns this line. */
  miss(deaf: Map<string, string>): Set<string> {
    for (const call of this.calls) call.miss(deaf.has(call.callId));
    return new Set(this.calls.flatMap((call) => deaf.get(call.callId) ?? []));
  }

  private holdOthers(id: string | null): void {
    for (const call of this.calls) if (call.id !== id) call.hold(true);
  }

  private async media(): Promise<{ microphone: MediaStreamTrack; pcConfig: RTCConfiguration } | null> {
    try {
      const [microphone, iceServers] = await Promise.all([
        openMicrophone(),
        this.config.iceServers().catch(() => []),
      ]);
      this.hasMicrophone(null);
      return { microphone, pcConfig: { iceServers } };
    } catch (thrown) {
      this.hasMicrophone(whyNoMicrophone(thrown));
      return null;
    }
  }

  private hasMicrophone(state: PhoneView["microphone"]): void {
    this.microphone = state;
    this.changed();
  }

  /** The microphone of a call is gone: go on with another. */
  async unplugged(call: PhoneCall): Promise<void> {
    try {
      await call.changeDevices();
      this.hasMicrophone("other");
    } catch (thrown) {
      this.hasMicrophone(whyNoMicrophone(thrown));
      const again = () => {
        if (call.view.state === "talking") void this.unplugged(call);
      };
      navigator.mediaDevices.addEventListener("devicechange", again, { once: true });
    }
  }

  private add(call: PhoneCall): void {
    this.calls.push(call);
    this.changed();
  }

  /** An ended call stays in sight for a moment, with why it ended. */
  ended(call: PhoneCall): void {
    this.remix();
    this.keep();
    setTimeout(() => this.forget(call), call.view.reason === "ended" ? ENDED_MS / 3 : ENDED_MS);
  }

  private forget(call: PhoneCall): void {
    const index = this.calls.indexOf(call);
    if (index >= 0) this.calls.splice(index, 1);
    this.changed();
  }

  // a conference of this page

  /** Everybody hears everybody: this page mixes. */
  join(): void {
    const talking = this.calls.filter((call) => call.view.state === "talking");
    for (const call of talking) call.hold(false);
    this.mix(talking);
  }

  /** One party is on hold: the others go on. */
  leave(call: PhoneCall): void {
    if (!call.view.joined) return;
    call.mix([]);
    this.remix();
  }

  /** Who is in the conference, or with what sound, is another than before. */
  remix(): void {
    this.mix(this.calls.filter((call) => call.view.joined));
  }

  private mix(members: PhoneCall[]): void {
    for (const call of members) call.mix(members.filter((other) => other !== call));
  }

  // through a reload

  readonly keep = () => {
    if (this.rejoining !== null) return; // what was kept is still wanted
    const calls = this.calls.flatMap(({ keepsake }) => keepsake ?? []);
    keepCalls(this.config.name, calls);
  };

  private rejoined(one: Rejoin): boolean {
    return this.calls.some((call) => call.callId === one.call);
  }

  private async rejoin(kept: Rejoin): Promise<void> {
    const media = await this.media();
    if (media !== null) this.dial({ number: kept.number, name: kept.name, ...media }, kept);
  }

  /** A call talks; when it is the last one that was kept of a conference, that goes on. */
  confirmed(call: PhoneCall): void {
    this.keep();
    if (!call.wasJoined) return;
    const members = this.calls.filter((one) => one.wasJoined && one.view.state === "talking");
    this.mix(members);
  }
}

export type { CallView, PhoneView };
