import JsSIP from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { UA } from "jssip/lib/UA";
import type { CallView, PhoneView } from "@/phone/call";
import { PhoneCall } from "@/phone/phoneCall";
import { openMicrophone } from "@/phone/sound";

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

/** What is kept through a reload, so that the page can step into the call that it had. */
interface Rejoin {
  call: string;
  local: string;
  remote: string;
  number: string;
  name: string;
  since: number | null;
  at: number;
}

const REJOIN_MS = 20_000;
const ENDED_MS = 4_000;

/** One telephone line: an account that is registered, and its calls. A store for `useSyncExternalStore`. */
export class Line {
  private readonly calls: PhoneCall[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly ua: UA;
  private state: PhoneView["line"] = "connecting";
  private microphone: PhoneView["microphone"] = "unknown";
  private view: PhoneView = { line: "connecting", microphone: "unknown", calls: [] };
  private queue: (() => void)[] = [];
  /** Whether one speaks and listens at this line; a page with two of them has one at a time. */
  attended = { speaks: true, hears: true };

  constructor(private readonly config: LineConfig) {
    const kept = `tongdai.instance.${config.name}`;
    const instance = sessionStorage.getItem(kept) ?? crypto.randomUUID();
    sessionStorage.setItem(kept, instance);
    this.ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(config.server)],
      uri: `sip:${config.username}@${config.domain}`,
      password: config.password,
      instance_id: instance,
      user_agent: "tongdai web",
      session_timers: false, // the server refreshes
      register_expires: 300,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 1,
    });
    this.ua.on("connecting", () => this.become(this.state === "ready" ? "lost" : this.state));
    this.ua.on("disconnected", () => this.become("lost"));
    this.ua.on("registered", () => {
      this.become("ready");
      this.rejoin();
      for (const action of this.queue.splice(0)) action();
    });
    this.ua.on("registrationFailed", ({ response }: { response?: { status_code: number } | null }) => {
      if (response) this.become("refused");
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
    this.ua.stop();
  }

  // what is seen

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly snapshot = (): PhoneView => this.view;

  changed(): void {
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

  // what is done

  get connected(): boolean {
    return this.ua.isConnected();
  }

  /** At once, or as soon as the connection is back: JsSIP would end a call that it cannot ask for something. */
  whenConnected(action: () => void): void {
    if (this.connected) action();
    else this.queue.push(action);
  }

  address(number: string): string {
    return `sip:${number.replaceAll("#", "%23")}@${this.config.domain}`;
  }

  /** Call somebody; whoever one talks to meanwhile is put on hold. */
  async call(number: string, name = "", headers: string[] = [], since: number | null = null): Promise<void> {
    const media = await this.media();
    if (media === null) return;
    this.holdOthers(null);
    const session = this.ua.call(this.address(number), { ...media, extraHeaders: headers });
    this.add(new PhoneCall(this, session, number, name, since));
  }

  async answer(id: string): Promise<void> {
    const call = this.find(id);
    const media = await this.media();
    if (media === null || call === undefined) return;
    this.holdOthers(id);
    call.session.answer(media);
  }

  find(id: string): PhoneCall | undefined {
    return this.calls.find((call) => call.id === id);
  }

  /** Go on with this call; the others wait. */
  resume(id: string): void {
    this.holdOthers(id);
    this.find(id)?.hold(false);
  }

  /** Everybody hears everybody: this page mixes. */
  join(): void {
    const talking = this.calls.filter((call) => call.view.state === "talking");
    for (const call of talking) call.hold(false);
    for (const call of talking) call.mix(talking.filter((other) => other !== call));
  }

  /** Whom a second call reached gets the first one. */
  complete(from: string, to: string): void {
    const [first, second] = [this.find(from), this.find(to)];
    if (first && second) first.transfer(second.number, second.session);
  }

  attend(speaks: boolean, hears: boolean): void {
    this.attended = { speaks, hears };
    for (const call of this.calls) call.attend();
  }

  private holdOthers(id: string | null): void {
    for (const call of this.calls) {
      if (call.id !== id && call.view.state === "talking" && !call.view.joined) call.hold(true);
    }
  }

  private async media(): Promise<{ mediaStream: MediaStream; pcConfig: RTCConfiguration } | null> {
    try {
      const [mediaStream, iceServers] = await Promise.all([
        openMicrophone(),
        this.config.iceServers().catch(() => []),
      ]);
      this.microphone = "unknown";
      return { mediaStream, pcConfig: { iceServers } };
    } catch {
      this.microphone = "refused";
      this.changed();
      return null;
    }
  }

  private add(call: PhoneCall): void {
    this.calls.push(call);
    this.changed();
  }

  /** An ended call stays in sight for a moment, with why it ended. */
  ended(call: PhoneCall): void {
    for (const other of this.calls) if (other !== call) other.unmix(call);
    this.changed();
    setTimeout(() => this.forget(call), call.view.reason === "ended" ? ENDED_MS / 3 : ENDED_MS);
  }

  private forget(call: PhoneCall): void {
    const index = this.calls.indexOf(call);
    if (index >= 0) this.calls.splice(index, 1);
    this.changed();
  }

  // through a reload

  private get kept(): string {
    return `tongdai.rejoin.${this.config.name}`;
  }

  private readonly keep = () => {
    const calls: Rejoin[] = this.calls.flatMap((call) => {
      const dialog = call.dialog;
      if (dialog === null) return [];
      const { number, name, since } = call.view;
      return [{ ...dialog, number, name, since, at: Date.now() }];
    });
    if (calls.length > 0) sessionStorage.setItem(this.kept, JSON.stringify(calls));
  };

  private rejoin(): void {
    const kept = JSON.parse(sessionStorage.getItem(this.kept) ?? "[]") as Rejoin[];
    sessionStorage.removeItem(this.kept);
    for (const { call, local, remote, number, name, since, at } of kept) {
      if (Date.now() - at > REJOIN_MS) continue;
      const replaces = `Replaces: ${call};to-tag=${remote};from-tag=${local}`;
      void this.call(number, name, [replaces, "Require: replaces"], since);
    }
  }
}

export type { CallView, PhoneView };
