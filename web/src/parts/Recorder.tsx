import "@/parts/words";
import { Button, Group, Text } from "@mantine/core";
import { IconMicrophone, IconPlayerStopFilled } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

const MOST_SECONDS = 120;
const EVERY_MILLISECONDS = 200;

/** Records the microphone; what was said is given on when it stops. */
export function Recorder({ again, onSound }: { again: boolean; onSound(sound: Blob): void }) {
  const { t } = useTranslation("parts");
  const [on, setOn] = useState(false);
  const [seconds, setSeconds] = useState<number | null>(null);
  const [refused, setRefused] = useState(false);
  const recorder = useRef<MediaRecorder | null>(null);
  const stop = () => recorder.current?.state === "recording" && recorder.current.stop();

  useEffect(() => {
    if (seconds === null) return;
    const timer = setTimeout(
      () => (seconds >= MOST_SECONDS ? recorder.current?.stop() : setSeconds(seconds + 1)),
      1000,
    );
    return () => clearTimeout(timer);
  }, [seconds]);
  useEffect(() => () => void (recorder.current?.state === "recording" && recorder.current.stop()), []);

  const start = async () => {
    setRefused(false);
    try {
      const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
      const made = new MediaRecorder(microphone);
      const parts: Blob[] = [];
      // A microphone may take a while to deliver: the seconds count what was really recorded.
      made.ondataavailable = ({ data }) => {
        if (data.size === 0) return;
        parts.push(data);
        setSeconds((before) => before ?? 0);
      };
      made.onstop = () => {
        for (const track of microphone.getTracks()) track.stop();
        setOn(false);
        setSeconds(null);
        if (parts.length === 0) setRefused(true);
        else onSound(new Blob(parts, { type: made.mimeType.split(";")[0] }));
      };
      made.start(EVERY_MILLISECONDS);
      recorder.current = made;
      setOn(true);
    } catch {
      setRefused(true);
    }
  };
  return (
    <Group>
      {!on ? (
        <Button variant="light" leftSection={<IconMicrophone size={18} />} onClick={start}>
          {t(again ? "again" : "start")}
        </Button>
      ) : (
        <Button color="red" leftSection={<IconPlayerStopFilled size={16} />} onClick={stop}>
          {t("stop")}
        </Button>
      )}
      <Text size="sm" role="status" className="quiet numbers">
        {refused ? t("noMicrophone") : seconds !== null && t("recording", { seconds })}
      </Text>
    </Group>
  );
}
