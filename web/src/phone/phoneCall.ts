import type { RTCSession } from "jssip/lib/RTCSession";
import { CALL, type CallEvent, type CallView, judge, reasonOf, type Sample } from "@/phone/call";
import type { Line } from "@/phone/line";
import { Mixture } from "@/phone/mixture";
import type { Rejoin } from "@/phone/rejoin";
import { devices, openMicrophone, play, toSpeaker } from "@/phone/sound";

const QUALITY_MS = 3_000;
/** Between two tries to be heard again over another network, or to have a hold accepted. */
const AGAIN_MS = 4_000;
const MOST_TRIES = 5;

interface EndEvent {
  cause: string;
  message?: { status_code?: number; getHeader?(name: string): string | undefined } | null;
}

/** One call of a line, with its sound. */
export class PhoneCall {
  readonly id = crypto.randomUUID();
  view: CallView;
  remote: MediaStream | null = null;
  private readonly element = new Audio();
  private microphone: MediaStreamTrack | null = null;
  private mixture: Mixture | null = null;
  private hush: () => void = () => {};
  private timer: ReturnType<typeof setInterval> | undefined;
  private last: Sample | null = null;
  private restartedAt = 0;
  private tries = 0;
  private keys = "";

  /** `outgoing`: whom we call; `kept`: what this call was before the page was loaded again. */
  constructor(
    private readonly line: Line,
    readonly session: RTCSession,
    outgoing: { number: string; name: string; microphone: MediaStreamTrack } | null = null,
    private readonly kept: Rejoin | null = null,
  ) {
    const { uri, display_name } = session.remote_identity;
    this.view = {
      id: this.id,
      number: outgoing?.number ?? uri.user ?? "",
      name: outgoing?.name ?? display_name ?? "",
      incoming: kept?.incoming ?? outgoing === null,
      state: outgoing === null ? "ringing" : "calling",
      held: kept?.held ?? false,
      muted: kept?.muted ?? false,
      joined: false,
      since: null,
      quality: null,
      unheard: false,
      waiting: false,
      reason: null,
      by: null,
    };
    this.element.autoplay = true;
    this.microphone = outgoing?.microphone ?? null;
    this.watch();
    this.follow();
    if (outgoing === null) this.hush = play(line.isTalking ? "waiting" : devices().ring);
    this.attend();
  }

  get number(): string {
    return this.view.number;
  }

  /** The Call-ID of its dialog, by which the API knows the leg, too. */
  get callId(): string {
    // JsSIP keeps its request to itself
    return (this.session as unknown as { _request: { call_id: string } })._request.call_id;
  }

  get wasJoined(): boolean {
    return this.kept?.joined ?? false;
  }

  /** What is to be kept through a reload; null when there is nothing to step into. */
  get keepsake(): Rejoin | null {
    if (this.view.state === "calling") return this.kept; // it is being stepped into
    const { dialog } = this;
    if (dialog === null) return null;
    const { number, name, incoming, held, muted, joined, since } = this.view;
    return { ...dialog, number, name, incoming, held, muted, joined, since };
  }

  /** Call-ID and tags, by which another page can step in; null when there is nothing to step into. */
  private get dialog(): { call: string; local: string; remote: string } | null {
    if (this.view.state !== "talking") return null;
    const { _dialog } = this.session as unknown as {
      _dialog?: { id: { call_id: string; local_tag: string; remote_tag: string } } | null;
    };
    if (!_dialog) return null;
    return { call: _dialog.id.call_id, local: _dialog.id.local_tag, remote: _dialog.id.remote_tag };
  }

  private set(change: Partial<CallView>): void {
    this.view = { ...this.view, ...change };
    this.line.changed();
  }

  /** Whether the event meant something to the state it is in. */
  private on(event: CallEvent, change: Partial<CallView> = {}): boolean {
    const state = CALL[this.view.state][event];
    if (state !== undefined) this.set({ ...change, state });
    return state !== undefined;
  }

  private follow(): void {
    const session = this.session;
    const heed = (connection: RTCPeerConnection) => {
      connection.addEventListener("track", ({ streams, track }) =>
        this.hear(streams[0] ?? new MediaStream([track])),
      );
      connection.addEventListener("connectionstatechange", () => this.press(""));
      connection.addEventListener("iceconnectionstatechange", () => {
        if (connection.iceConnectionState === "disconnected") setTimeout(() => this.revive(), 2_000);
      });
    };
    session.on("peerconnection", ({ peerconnection }) => heed(peerconnection));
    if (session.connection) heed(session.connection);
    session.on("progress", (event: unknown) => {
      const { response } = event as { response?: { status_code: number; body?: string } };
      if (response?.status_code === 180 && !response.body) {
        this.hush();
        this.hush = play("ringback");
      }
    });
    session.on("accepted", () => this.hush());
    // after each of these JsSIP has opened what is sent or closed it, and knows nothing of us
    for (const event of ["confirmed", "hold", "unhold"] as const) session.on(event, () => this.attend());
    session.on("confirmed", () => {
      if (!this.on("confirmed", { since: this.kept?.since ?? Date.now() })) return;
      this.timer = setInterval(() => void this.measure(), QUALITY_MS);
      this.settle();
      this.line.confirmed(this);
    });
    session.on("ended", (event) => this.end(event as unknown as EndEvent));
    session.on("failed", (event) => this.end(event as unknown as EndEvent));
    this.endure();
  }

  /** JsSIP ends a call whose network is gone, and one whose hold was refused as the other side was about to change something, too. */
  private endure(): void {
    const terminate = this.session.terminate.bind(this.session);
    this.session.terminate = (options) => {
      const unheard = options?.cause === "RTP Timeout";
      const refused = options?.cause === "WebRTC Error" && /Failed$/.test(options.reason_phrase ?? "");
      if ((!unheard && !refused) || this.tries >= MOST_TRIES) return terminate(options);
      this.tries += 1;
      if (unheard) this.revive();
      else setTimeout(() => !this.session.isEnded() && this.session.renegotiate(), AGAIN_MS / 2);
    };
  }

  private hear(stream: MediaStream): void {
    if (this.remote !== stream) stream.addEventListener("addtrack", () => this.line.remix());
    this.remote = stream;
    this.line.remix(); // who was on hold has no sound until a moment after he talks again
    this.element.srcObject = stream;
    void toSpeaker(this.element);
    void this.element.play().catch(() => undefined);
  }

  private end({ cause, message }: EndEvent): void {
    const { state, incoming } = this.view;
    const end = { cause, status: message?.status_code, told: message?.getHeader?.("Reason") ?? "" };
    const reason = reasonOf(end, state, incoming, this.kept !== null);
    if (!this.on("over", { reason, waiting: false, joined: false })) return;
    this.hush();
    clearInterval(this.timer);
    this.element.srcObject = null;
    this.mixture?.close();
    this.microphone?.stop();
    this.line.ended(this);
  }

  /** Whether somebody else may have answered it, and who is not known. */
  get isUnexplained(): boolean {
    return this.view.by === null && (this.view.state === "ringing" || this.view.reason === "elsewhere");
  }

  /** Somebody else has answered it; that it rings no more is said over SIP, before this or after it. */
  answeredBy(name: string): void {
    this.set({ by: name });
  }

  /** Whether the server hears nothing of the other side. */
  miss(unheard: boolean): void {
    if (this.view.unheard !== unheard) this.set({ unheard });
  }

  // what is done

  answer(microphone: MediaStreamTrack, pcConfig: RTCConfiguration): void {
    if (!this.on("answer")) {
      microphone.stop();
      return;
    }
    this.hush();
    this.microphone = microphone;
    this.watch();
    this.session.answer({ mediaStream: new MediaStream([microphone]), pcConfig });
  }

  hangUp(): void {
    this.hush();
    if (this.session.isEnded()) return;
    const refuse = this.view.state === "ringing";
    this.session.terminate(refuse ? { status_code: 486 } : undefined);
  }

  hold(on: boolean): void {
    if (this.view.held === on || this.view.state !== "talking") return;
    if (on) this.line.leave(this);
    this.set({ held: on });
    this.attend();
    this.settle();
  }

  /** Ask for what is wanted, as soon as it can be asked for. */
  settle(): void {
    if (this.view.state !== "talking") return;
    const { held } = this.view;
    const settled = this.session.isOnHold().local === held;
    this.set({ waiting: !settled && !this.line.connected });
    if (settled || !this.line.connected) return;
    const done = () => {
      this.tries = 0;
      this.settle();
    };
    const asked = held ? this.session.hold({}, done) : this.session.unhold({}, done);
    if (!asked) setTimeout(() => this.settle(), 250); // something else is being asked for
  }

  mute(on: boolean): void {
    this.set({ muted: on });
    this.attend();
  }

  /** Keys as events in the stream (RFC 4733): they need no signalling. Until the stream is there they wait: nobody would hear them. */
  press(keys: string): void {
    this.keys += keys;
    const { connection } = this.session;
    if (connection?.connectionState !== "connected") return;
    for (const { dtmf } of connection.getSenders())
      if (dtmf?.canInsertDTMF) dtmf.insertDTMF(dtmf.toneBuffer + this.keys, 120, 80);
    this.keys = "";
  }

  /** Pass whom one talks to on: to a number, or to whom one asked in another call (RFC 5589). */
  transfer(number: string, asked?: PhoneCall): void {
    this.set({ waiting: true, reason: null });
    this.line.whenConnected(() => {
      if (this.session.isEnded()) return;
      const failed = () => this.set({ waiting: false, reason: "transferFailed" });
      const eventHandlers = { requestFailed: failed, failed, accepted: () => this.hangUp() };
      const dialog = asked?.dialog;
      // JsSIP takes the tags of a call that came in the wrong way round
      const replaces = dialog && {
        _request: { call_id: dialog.call },
        _to_tag: dialog.remote,
        _from_tag: dialog.local,
      };
      this.session.refer(this.line.address(number), {
        eventHandlers,
        replaces: (replaces as unknown as RTCSession) ?? undefined,
      });
    });
  }

  // its sound

  /** Take another microphone or speaker while talking. */
  async changeDevices(): Promise<void> {
    await toSpeaker(this.element);
    const old = this.microphone;
    this.microphone = await openMicrophone();
    this.watch();
    await this.sender?.replaceTrack(this.microphone);
    this.attend();
    this.line.remix();
    old?.stop();
  }

  private watch(): void {
    // a track that we stop ourselves says nothing
    this.microphone?.addEventListener("ended", () => void this.line.unplugged(this), { once: true });
  }

  private get sender(): RTCRtpSender | undefined {
    return this.session.connection?.getSenders().find((one) => one.track?.kind === "audio");
  }

  /** Open and close microphone and speaker as the line is attended to. */
  attend(): void {
    const { speaks, hears } = this.line.attended;
    const { held, muted } = this.view;
    this.element.muted = !hears || held; // also before the server knows
    if (this.microphone === null) return;
    this.microphone.enabled = speaks && !muted && !held && !this.session.isOnHold().remote;
    if (this.mixture) this.mixture.track.enabled = true; // the others are to be heard whether or not we are
  }

  /** This party hears these others beside us; without any it is in no conference. */
  mix(others: PhoneCall[]): void {
    const { sender, microphone, mixture } = this;
    if (microphone === null) return;
    const sounds = others.flatMap(({ remote }) => (remote?.getAudioTracks().length ? [remote] : []));
    this.mixture = sounds.length > 0 ? new Mixture([new MediaStream([microphone]), ...sounds]) : null;
    void sender?.replaceTrack(this.mixture?.track ?? microphone).then(() => mixture?.close());
    this.set({ joined: others.length > 0 });
    this.attend();
  }

  /** Be heard again over another network, or learn that the call has ended meanwhile. */
  revive(): void {
    const connection = this.session.connection;
    if (this.view.state !== "talking" || !connection || !this.line.connected) return;
    if (["connected", "completed", "closed"].includes(connection.iceConnectionState)) return;
    const now = Date.now();
    if (now - this.restartedAt < AGAIN_MS) return;
    this.restartedAt = now;
    this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } });
    setTimeout(() => this.revive(), AGAIN_MS + 100);
  }

  private async measure(): Promise<void> {
    this.line.keep();
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
    if (this.last !== null && this.view.state === "talking") this.set({ quality: judge(this.last, now) });
    this.last = now;
  }
}
