import "@/parts/words";
import { ActionIcon, Button } from "@mantine/core";
import { IconPlayerPlay, IconPlayerStop } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

/** Plays a sound: an address of ours, a blob, or one that is made first. */
export function Listen({
  sound,
  label,
  small,
  disabled,
  onTrouble,
}: {
  sound(): string | Blob | Promise<Blob>;
  label?: string;
  small?: boolean;
  disabled?: boolean;
  onTrouble?(error: unknown): void;
}) {
  const { t } = useTranslation("parts");
  const [playing, setPlaying] = useState(false);
  const [making, setMaking] = useState(false);
  const audio = useRef<HTMLAudioElement | null>(null);
  const stop = () => {
    audio.current?.pause();
    audio.current = null;
    setPlaying(false);
  };
  useEffect(() => () => audio.current?.pause(), []);

  const play = async () => {
    if (playing) return stop();
    setMaking(true);
    try {
      const made = await sound();
      const player = new Audio(typeof made === "string" ? made : URL.createObjectURL(made));
      audio.current = player;
      player.onended = stop;
      await player.play();
      setPlaying(true);
    } catch (error) {
      onTrouble?.(error);
    } finally {
      setMaking(false);
    }
  };
  const icon = playing ? <IconPlayerStop size={17} /> : <IconPlayerPlay size={17} />;
  const words = playing ? t("stop") : (label ?? t("listen"));
  return small ? (
    <ActionIcon variant="light" size="lg" radius="xl" aria-label={words} loading={making} onClick={play}>
      {icon}
    </ActionIcon>
  ) : (
    <Button variant="default" leftSection={icon} loading={making} disabled={disabled} onClick={play}>
      {words}
    </Button>
  );
}
