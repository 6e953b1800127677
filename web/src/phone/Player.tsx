import { ActionIcon, Text } from "@mantine/core";
import { IconPlayerPauseFilled, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { clock } from "@/phone/Since";
import { audioContext, toSpeaker } from "@/phone/sound";

const BARS = 64;

/** The loudest of each part of a recording, from 0 to 1. */
export function peaks(samples: Float32Array, bars = BARS): number[] {
  const part = Math.max(1, Math.floor(samples.length / bars));
  const found = Array.from({ length: bars }, (_, bar) => {
    let most = 0;
    for (let at = bar * part; at < Math.min((bar + 1) * part, samples.length); at += 4) {
      most = Math.max(most, Math.abs(samples[at] ?? 0));
    }
    return most;
  });
  const loudest = Math.max(0.02, ...found);
  return found.map((one) => one / loudest);
}

interface Props {
  url: string;
  seconds: number;
  label: string;
  onHeard?(): void;
}

/** Plays a recording; its waveform shows when it is first asked for, and can be clicked into. */
export function Player({ url, seconds, label, onHeard }: Props) {
  const { t } = useTranslation("phone");
  const element = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [bars, setBars] = useState<number[] | null>(null);
  const flat = useMemo(() => Array<number>(BARS).fill(0.12), []);

  useEffect(() => {
    const ended = new AbortController();
    void (async () => {
      const answer = await fetch(url, { signal: ended.signal });
      if (!answer.ok) return;
      const sound = await audioContext().decodeAudioData(await answer.arrayBuffer());
      if (!ended.signal.aborted) setBars(peaks(sound.getChannelData(0)));
    })().catch(() => undefined);
    return () => ended.abort();
  }, [url]);

  const toggle = () => {
    const audio = element.current;
    if (!audio) return;
    if (playing) audio.pause();
    else void toSpeaker(audio).then(() => audio.play());
  };
  const seek = (to: number) => {
    if (element.current) element.current.currentTime = to;
    setAt(to);
  };
  return (
    <div className="player">
      {/* biome-ignore lint/a11y/useMediaCaption: nobody wrote down what a caller says */}
      <audio
        ref={element}
        src={url}
        preload="none"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
        onEnded={() => {
          setAt(0);
          onHeard?.();
        }}
      />
      <ActionIcon
        size={38}
        radius="xl"
        variant="light"
        aria-label={`${playing ? t("pause") : t("play")}: ${label}`}
        onClick={toggle}
      >
        {playing ? <IconPlayerPauseFilled size={17} /> : <IconPlayerPlayFilled size={17} />}
      </ActionIcon>
      <div className="wave">
        <svg viewBox={`0 0 ${BARS * 4} 32`} preserveAspectRatio="none" aria-hidden="true">
          {(bars ?? flat).map((height, index) => (
            <rect
              // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
              key={index}
              className={at > 0 && index / BARS <= at / Math.max(seconds, 0.1) ? "past" : ""}
              x={index * 4}
              y={16 - Math.max(1.5, height * 15)}
              width={2.4}
              height={Math.max(3, height * 30)}
              rx={1.2}
            />
          ))}
        </svg>
        <input
          type="range"
          min={0}
          max={seconds}
          step={0.1}
          value={at}
          aria-label={`${t("position")}: ${label}`}
          onChange={(event) => seek(Number(event.currentTarget.value))}
        />
      </div>
      <Text size="sm" c="dimmed" className="numbers">
        {clock(at || seconds)}
      </Text>
    </div>
  );
}
