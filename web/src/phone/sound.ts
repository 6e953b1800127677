/** The sounds that the page makes itself, and which devices are used. */

const KEPT = "tongdai.devices";

export type Ring = "classic" | "soft" | "none";

export interface Devices {
  microphone: string;
  speaker: string;
  ring: Ring;
}

export function devices(): Devices {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Devices>;
  return { microphone: kept.microphone ?? "", speaker: kept.speaker ?? "", ring: kept.ring ?? "classic" };
}

export function chooseDevices(chosen: Devices): void {
  localStorage.setItem(KEPT, JSON.stringify(chosen));
  if (context) void sinkTo(context);
}

/** Why there is no microphone: it is not allowed, there is none, or another programme has it. */
export type NoMicrophone = "refused" | "missing" | "taken";

export function whyNoMicrophone(thrown: unknown): NoMicrophone {
  const name = String((thrown as Partial<Error> | null)?.name);
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "taken";
  return "refused";
}

/**
 * The microphone that was chosen; another when that one is unplugged. Beside a loudspeaker it would hear what it plays: the browser is
 * asked to take that away.
 */
export async function openMicrophone(): Promise<MediaStreamTrack> {
  const id = devices().microphone;
  const audio: MediaTrackConstraints = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
  if (id) audio.deviceId = { ideal: id };
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio, video: false })).getAudioTracks();
  if (track === undefined) throw new DOMException("", "NotFoundError");
  return track;
}

/** Play in the speaker that was chosen. */
export async function toSpeaker(element: HTMLAudioElement): Promise<void> {
  if ("setSinkId" in element) await sinkTo(element);
}

interface Sinking {
  setSinkId?(id: string): Promise<void>;
}

/** A speaker that was unplugged is as none that was chosen. */
async function sinkTo(where: Sinking | AudioContext): Promise<void> {
  const id = devices().speaker;
  const sinking = where as Sinking;
  await sinking.setSinkId?.(id).catch(() => (id ? sinking.setSinkId?.("") : undefined));
}

interface Pattern {
  tones: number[];
  /** Seconds on and off, in turn. */
  beat: number[];
  level: number;
}

type Repeated = "ringback" | "waiting";

const PATTERNS: Record<Exclude<Ring, "none"> | Repeated, Pattern> = {
  classic: { tones: [440, 480], beat: [0.4, 0.2, 0.4, 2], level: 0.16 },
  soft: { tones: [523, 659], beat: [0.9, 3], level: 0.07 },
  ringback: { tones: [425], beat: [1, 4], level: 0.06 },
  waiting: { tones: [425], beat: [0.2, 0.2, 0.2, 4.4], level: 0.05 },
};

let context: AudioContext | undefined;

export function audioContext(): AudioContext {
  if (context === undefined) {
    context = new AudioContext();
    void sinkTo(context);
  }
  void context.resume();
  return context;
}

/** Whether the browser lets the page sound before somebody has touched it. */
export function canRing(): boolean {
  return context?.state === "running";
}

/** Begin a sound that repeats; call what is returned to end it. */
export function play(which: Ring | Repeated): () => void {
  if (which === "none") return () => {};
  const { tones, beat, level } = PATTERNS[which];
  const at = audioContext();
  const gain = new GainNode(at, { gain: 0 });
  gain.connect(at.destination);
  const sources = tones.map((frequency) => new OscillatorNode(at, { frequency }));
  for (const source of sources) source.connect(gain);
  let time = at.currentTime + 0.05;
  for (let round = 0; round < 60; round += 1) {
    beat.forEach((seconds, index) => {
      gain.gain.setTargetAtTime(index % 2 === 0 ? level : 0, time, 0.012);
      time += seconds;
    });
  }
  for (const source of sources) source.start();
  return () => {
    for (const source of sources) source.stop();
    gain.disconnect();
  };
}

/** The short tone under a finger (ITU-T Q.23). */
export function playKey(key: string): void {
  const index = "123A456B789C*0#D".indexOf(key);
  if (index < 0) return;
  const at = audioContext();
  const gain = new GainNode(at, { gain: 0.05 });
  gain.connect(at.destination);
  for (const frequency of [[697, 770, 852, 941][index >> 2] ?? 0, [1209, 1336, 1477, 1633][index & 3] ?? 0]) {
    const source = new OscillatorNode(at, { frequency });
    source.connect(gain);
    source.start();
    source.stop(at.currentTime + 0.12);
  }
}
