import { useEffect, useRef } from "react";
import type { Half } from "@/outside/speaking";
import { audioContext } from "@/phone/sound";
import { useLine } from "@/phone/store";

const TICK_MS = 80;
/** What does not move the bars, and what moves them fully, in dB below full scale. */
const [QUIET, LOUD] = [-60, -20];

/** How loud it is at the ear of this half. */
export function Level({ half }: { half: Half }) {
  const bars = useRef<HTMLSpanElement>(null);
  const { line, view } = useLine(half);
  const call = view.calls.find((one) => one.state === "talking" && !one.held);
  const sound = call === undefined ? null : (line?.find(call.id)?.remote ?? null);
  useEffect(() => {
    if (sound === null) return;
    const at = audioContext();
    const ear = new AnalyserNode(at, { fftSize: 1024 });
    let source: MediaStreamAudioSourceNode | null = null;
    const listen = () => {
      // a call that was on hold gets its track back a moment after it says that it talks
      if (source !== null || sound.getAudioTracks().length === 0) return;
      source = at.createMediaStreamSource(sound);
      source.connect(ear);
    };
    listen();
    sound.addEventListener("addtrack", listen);
    const samples = new Float32Array(ear.fftSize);
    const timer = setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
      const level = (10 * Math.log10(power + 1e-12) - QUIET) / (LOUD - QUIET);
      bars.current?.style.setProperty("--level", Math.min(1, Math.max(0, level)).toFixed(2));
    }, TICK_MS);
    return () => {
      clearInterval(timer);
      sound.removeEventListener("addtrack", listen);
      source?.disconnect();
    };
  }, [sound]);
  return (
    <span className="split-level" ref={bars} aria-hidden data-on={sound !== null}>
      <i />
      <i />
      <i />
      <i />
    </span>
  );
}
