import { Button, FileButton, Group, SegmentedControl, Stack, Text, Textarea } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Listen } from "@/parts/Listen";
import { Said, Trouble } from "@/parts/parts";
import { Recorder } from "@/parts/Recorder";
import { speech } from "@/parts/sound";
import type { Language } from "@/shell/i18n";
import { useTenant } from "@/shell/me";

const WAYS = ["type", "record", "upload"] as const;
type Way = (typeof WAYS)[number];

/** Words for a voice to say, or a sound. */
export type Chosen = { text: string } | { sound: Blob };

interface Props {
  /** What a voice says now. */
  text: string;
  label: string;
  help?: string;
  /** Whose voice speaks. */
  language: Language;
  /** What is written on the button that makes callers hear it. */
  use: string;
  first?: Way;
  onUse(chosen: Chosen): Promise<unknown>;
}

/** What callers shall hear: typed, spoken or uploaded, and listened to before they do. */
export function SoundChooser({ text: said, label, help, language, use, first = "type", onUse }: Props) {
  const { t } = useTranslation("parts");
  const tenant = useTenant();
  const [way, setWay] = useState<Way>(first);
  const [text, setText] = useState(said);
  const [sound, setSound] = useState<Blob | null>(null);
  const [trouble, setTrouble] = useState<unknown>(null);
  const using = useMutation({ mutationFn: onUse, onSuccess: () => setSound(null) });
  const words = text.trim();
  const typed = way === "type";
  const ready = typed ? words !== "" && words !== said : sound !== null;
  const change = (next: Way) => {
    setWay(next);
    setSound(null);
    setTrouble(null);
    using.reset();
  };
  return (
    <Stack gap="md">
      <SegmentedControl
        className="part-ways"
        value={way}
        onChange={(value) => change(value as Way)}
        data={WAYS.map((value) => ({ value, label: t(value) }))}
      />
      {typed && (
        <Textarea
          label={label}
          description={help}
          autosize
          minRows={3}
          maxRows={8}
          maxLength={1500}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      {way === "record" && <Recorder again={sound !== null} onSound={setSound} />}
      {way === "upload" && (
        <Group>
          <FileButton onChange={setSound} accept="audio/*">
            {(props) => (
              <Button variant="light" leftSection={<IconUpload size={17} />} {...props}>
                {t("choose")}
              </Button>
            )}
          </FileButton>
          <Text size="sm" className="quiet">
            {sound instanceof File ? sound.name : t("file")}
          </Text>
        </Group>
      )}
      <Trouble error={trouble ?? using.error} />
      <Group className="part-use">
        <Listen
          disabled={typed ? words === "" : sound === null}
          sound={() => {
            setTrouble(null);
            return typed ? speech(tenant, words, language) : (sound ?? new Blob());
          }}
          onTrouble={setTrouble}
        />
        <Button
          disabled={!ready}
          loading={using.isPending}
          onClick={() => using.mutate(typed ? { text: words } : { sound: sound ?? new Blob() })}
        >
          {use}
        </Button>
        {using.isSuccess && !ready && <Said>{t("saved")}</Said>}
      </Group>
    </Stack>
  );
}
