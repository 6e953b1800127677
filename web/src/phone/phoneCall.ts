import type { RTCSession } from "jssip/lib/RTCSession";
import { type CallView, judge, reasonOf, type Sample } from "@/phone/call";
import type { Line } from "@/phone/line";
import { audioContext, devices, openMicrophone, play, toSpeaker } from "@/phone/sound";

const QUALITY_MS = 3_000;

interface EndEvent {
  cause: string;
  message?: { status_code?: number } | null;
}

/** One call of a line, with its sound. */
export class PhoneCall {
  readonly id = crypto.randomUUID();
  view: CallView;
  private readonly element = new Audio();
  remote: MediaStream | null = null;
  private hush: () => void = () => {};
  private timer: ReturnType<typeof setInterval> | undefined;
  private last: Sample | null = null;
  private mixed: PhoneCall[] = [];

  constructor(
    private readonly line: Line,
    readonly session: RTCSession,
    number?: string,
    name?: string,
    since: number | null = null,
  ) {
    const incoming = number === undefined;
    const { uri, display_name } = session.remote_identity;
    this.view = {
      id: this.id,
      number: number ?? uri.user ?? "",
      name: name ?? display_name ?? "",
      incoming,
      state: incoming ? "ringing" : "calling",
      held: false,
      muted: false,
      joined: false,
      since: null,
      quality: null,
      waiting: false,
      reason: null,
    };
    this.element.autoplay = true;
    this.follow(since);
    if (incoming) this.hush = play(devices().ring);
    this.attend();
  }

  get number(): string {
    return this.view.number;
  }

  /** Call-ID and tags, by which another page can step in; null when there is nothing to step into. */
  get dialog(): { call: string; local: string; remote: string } | null {
    if (this.view.state !== "talking") return null;
    // JsSIP keeps these to itself
    const { _dialog } = this.session as unknown as {
      _dialog: { id: { call_id: string; local_tag: string; remote_tag: string } } | null;
    };
    if (!_dialog) return null;
    return { call: _dialog.id.call_id, local: _dialog.id.local_tag, remote: _dialog.id.remote_tag };
  }

  private set(change: Partial<CallView>): void {
    this.view = { ...this.view, ...change };
    this.line.changed();
  }

  private follow(since: number | null): void {
    const session = this.session;
    const hear = (connection: RTCPeerConnection) =>
      connection.addEventListener("track", ({ streams, track }) =>
        this.hear(streams[0] ?? new MediaStream([track])),
      );
    session.on("peerconnection", ({ peerconnection }) => hear(peerconnection));
    if (session.connection) hear(session.connection);
    session.on("progress", (event: unknown) => {
      const { response } = event as { response?: { status_code: number; body?: string } };
      if (response?.status_code === 180 && !response.body) {
        this.hush();
        this.hush = play("ringback");
      }
    });
    session.on("accepted", () => this.hush());
    // after each of these JsSIP has opened the microphone or closed it, and knows nothing of another line
    for (const event of ["confirmed", "hold", "unhold", "muted", "unmuted"] as const) {
      session.on(event, () => this.attend());
    }
    session.on("confirmed", () => {
      if (this.view.state === "talking") return;
      this.set({ state: "talking", since: since ?? Date.now() });
      this.timer = setInterval(() => void this.measure(), QUALITY_MS);
    });
    session.on("ended", (event) => this.end(event as unknown as EndEvent, true));
    session.on("failed", (event) => this.end(event as unknown as EndEvent, false));
  }

  private hear(stream: MediaStream): void {
    this.remote = stream;
    this.element.srcObject = stream;
    void toSpeaker(this.element);
    void this.element.play().catch(() => undefined);
  }

  private end({ cause, message }: EndEvent, answered: boolean): void {
    if (this.view.state === "ended") return;
    this.hush();
    clearInterval(this.timer);
    this.element.srcObject = null;
    for (const track of this.microphoneTracks()) track.stop();
    const mine = this.view.incoming || cause === "Canceled";
    const reason = answered || mine ? "ended" : reasonOf(message?.status_code, cause);
    this.set({ state: "ended", reason, waiting: false });
    this.line.ended(this);
  }

  private microphoneTracks(): MediaStreamTrack[] {
    return (this.session.connection?.getSenders() ?? []).flatMap(({ track }) => (track ? [track] : []));
  }

  // what is done

  hangUp(): void {
    if (this.view.state === "ended") return;
    this.hush();
    if (!this.line.connected) this.set({ waiting: true });
    const refuse = this.view.state === "ringing";
    this.line.whenConnected(() => {
      if (!this.session.isEnded()) this.session.terminate(refuse ? { status_code: 486 } : undefined);
    });
  }

  hold(on: boolean): void {
    if (this.view.held === on || this.view.state !== "talking") return;
    this.set({ held: on, waiting: !this.line.connected });
    this.line.whenConnected(() => {
      this.set({ waiting: false });
      if (this.session.isEnded() || this.session.isOnHold().local === this.view.held) return;
      if (this.view.held) this.session.hold();
      else this.session.unhold();
    });
  }

  mute(on: boolean): void {
    if (on) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
    this.set({ muted: on });
  }

  /** Keys as events in the stream (RFC 4733): they need no signalling. */
  press(keys: string): void {
    for (const { dtmf } of this.session.connection?.getSenders() ?? []) dtmf?.insertDTMF(keys, 120, 80);
  }

  /** Pass whom one talks to on: to a number, or to whom one asked in another call (`RFC 5589`). */
  transfer(number: string, replaces?: RTCSession): void {
    this.set({ waiting: !this.line.connected });
    this.line.whenConnected(() => {
      this.set({ waiting: true });
      const failed = () => this.set({ waiting: false, reason: "transferFailed" });
      const eventHandlers = { requestFailed: failed, failed, accepted: () => this.hangUp() };
      this.session.refer(this.line.address(number), { eventHandlers, replaces });
    });
  }

  /** Take another microphone or speaker while talking. */
  async changeDevices(): Promise<void> {
    await toSpeaker(this.element);
    const [track] = (await openMicrophone()).getAudioTracks();
    const sender = this.session.connection?.getSenders().find((one) => one.track?.kind === "audio");
    if (!track || !sender) return;
    const old = sender.track;
    track.enabled = !this.view.muted;
    await sender.replaceTrack(track);
    old?.stop();
    this.attend();
  }

  /** Open and close microphone and speaker as the line is attended to. */
  attend(): void {
    const { speaks, hears } = this.line.attended;
    this.element.muted = !hears;
    if (this.view.joined) return; // what it sends are other calls, too
    const on = this.session.isOnHold();
    const open = speaks && !this.session.isMuted().audio && !on.local && !on.remote;
    for (const track of this.microphoneTracks()) track.enabled = open;
  }

  // a conference of this page

  /** This party hears the others beside us. */
  mix(others: PhoneCall[]): void {
    const sender = this.session.connection?.getSenders().find((one) => one.track?.kind === "audio");
    if (!sender?.track) return;
    const at = audioContext();
    const out = at.createMediaStreamDestination();
    at.createMediaStreamSource(new MediaStream([sender.track])).connect(out);
    for (const { remote } of others) if (remote) at.createMediaStreamSource(remote).connect(out);
    const [track] = out.stream.getAudioTracks();
    if (!track) return;
    void sender.replaceTrack(track);
    this.mixed = others;
    this.set({ joined: true });
  }

  unmix(gone: PhoneCall): void {
    this.mixed = this.mixed.filter((one) => one !== gone);
    if (this.mixed.length === 0 && this.view.joined) this.set({ joined: false });
  }

  // how it sounds

  private async measure(): Promise<void> {
    const stats = await this.session.connection?.getStats();
    const now: Sample = { lost: 0, received: 0, jitter: 0, roundTrip: 0 };
    for (const one of stats?.values() ?? []) {
      if (one.type === "inbound-rtp" && one.kind === "audio") {
        now.lost = one.packetsLost ?? 0;
        now.received = one.packetsReceived ?? 0;
        now.jitter = one.jitter ?? 0;
      }
      if (one.type === "candidate-pair" && one.nominated) now.roundTrip = one.currentRoundTripTime ?? 0;
    }
    if (this.last !== null && !this.view.held) this.set({ quality: judge(this.last, now) });
    this.last = now;
  }
}
