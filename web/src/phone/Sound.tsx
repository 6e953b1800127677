import { Alert, Button, Group, Select, Stack, Switch, Text } from "@mantine/core";
import { IconLink, IconPhone, IconVolume } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseDevices, type Devices, devices, play, type Ring } from "@/phone/sound";
import { useLine } from "@/phone/store";
import { canTakeLinks, takeLinks } from "@/phone/wanted";

const RINGS: Ring[] = ["classic", "soft", "none"];

/** Which microphone and speaker, how it rings, and a test. */
export function Sound({ onEcho }: { onEcho(): void }) {
  const { t } = useTranslation("phone");
  const { line, view } = useLine();
  const [chosen, setChosen] = useState(devices);
  const [found, setFound] = useState<MediaDeviceInfo[]>([]);
  const [notify, setNotify] = useState(() => globalThis.Notification?.permission ?? "denied");

  useEffect(() => {
    const look = () => void navigator.mediaDevices?.enumerateDevices().then(setFound);
    look();
    navigator.mediaDevices?.addEventListener("devicechange", look);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", look);
  }, []);

  const change = (what: Partial<Devices>) => {
    const now = { ...chosen, ...what };
    setChosen(now);
    chooseDevices(now);
    for (const call of view.calls) if (call.state === "talking") void line?.find(call.id)?.changeDevices();
  };
  const choices = (kind: MediaDeviceKind) => [
    { value: "", label: t("systemDefault") },
    ...found
      .filter((one) => one.kind === kind && one.deviceId && one.deviceId !== "default")
      .map((one) => ({ value: one.deviceId, label: one.label })),
  ];
  const listen = () => {
    const stop = play(chosen.ring);
    setTimeout(stop, 3_000);
  };
  return (
    <Stack p="lg" gap="md" maw={480}>
      <Select
        label={t("microphone")}
        size="md"
        allowDeselect={false}
        data={choices("audioinput")}
        value={chosen.microphone}
        onChange={(value) => change({ microphone: value ?? "" })}
      />
      <Select
        label={t("speaker")}
        size="md"
        allowDeselect={false}
        data={choices("audiooutput")}
        value={chosen.speaker}
        onChange={(value) => change({ speaker: value ?? "" })}
      />
      <Group align="end" wrap="nowrap">
        <Select
          label={t("ring")}
          size="md"
          flex={1}
          allowDeselect={false}
          data={RINGS.map((ring) => ({ value: ring, label: t(`rings.${ring}`) }))}
          value={chosen.ring}
          onChange={(value) => change({ ring: value as Ring })}
        />
        <Button
          variant="light"
          leftSection={<IconVolume size={18} />}
          disabled={chosen.ring === "none"}
          onClick={listen}
        >
          {t("tryRing")}
        </Button>
      </Group>
      <Switch
        label={t("notify")}
        checked={notify === "granted"}
        disabled={notify !== "default"}
        onChange={() => void Notification.requestPermission().then(setNotify)}
      />
      {notify === "denied" && <Alert variant="light">{t("notifyRefused")}</Alert>}
      {canTakeLinks() && (
        <div>
          <Button variant="light" leftSection={<IconLink size={18} />} onClick={takeLinks}>
            {t("takeLinks")}
          </Button>
          <Text size="sm" c="dimmed" mt={6}>
            {t("takeLinksText")}
          </Text>
        </div>
      )}
      <div>
        <Button variant="light" leftSection={<IconPhone size={18} />} onClick={onEcho}>
          {t("echo")}
        </Button>
        <Text size="sm" c="dimmed" mt={6}>
          {t("echoText")}
        </Text>
      </div>
    </Stack>
  );
}
