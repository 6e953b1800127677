import { Button, FileButton, Group, SegmentedControl, Stack, Text, Textarea } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { type Menu, speech, uploadPrompt, useRefresh, useSettings } from "@/company/data";
import { Listen } from "@/company/Listen";
import { Section, Trouble } from "@/company/parts";
import { Recorder } from "@/company/Recorder";
import { useTenant } from "@/shell/me";

type Way = "type" | "record" | "upload";

/** The company's greeting: typed, spoken or uploaded, and listened to before callers hear it. */
export function Greeting({ menu }: { menu: Menu }) {
  const { t, i18n } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const language = useSettings().data?.language ?? "en";
  const [way, setWay] = useState<Way>("type");
  const [text, setText] = useState(menu.greeting?.text ?? "");
  const [sound, setSound] = useState<Blob | null>(null);
  const [trouble, setTrouble] = useState<unknown>(null);
  const saving = useMutation({
    async mutationFn(recorded: Blob | null) {
      const when = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
      const greeting =
        recorded === null
          ? { text: text.trim() }
          : {
              prompt: (
                await uploadPrompt(
                  tenant,
                  t("greeting.promptName", { when: when.format(new Date()) }),
                  recorded,
                )
              ).id,
            };
      await ask(
        api.PATCH("/api/v1/tenants/{tenant}/menus/{menu}", {
          params: { path: { tenant, menu: menu.id } },
          body: { greeting } as Schemas["MenuChanges"],
        }),
      );
      await refresh("menu", "prompt");
    },
    onSuccess: () => setSound(null),
  });
  const change = (next: Way) => {
    setWay(next);
    setSound(null);
    saving.reset();
  };
  const ready = way === "type" ? text.trim() !== "" && text.trim() !== menu.greeting?.text : sound !== null;
  const kept = menu.greeting?.prompt;
  return (
    <Section title={t("greeting.title")} lead={t("greeting.lead")}>
      <Stack gap="md">
        {kept && (
          <Group gap="sm">
            <Listen small sound={() => `/api/v1/tenants/${tenant}/prompts/${kept}/sound`} />
            <Text size="sm">{t("greeting.own")}</Text>
          </Group>
        )}
        <SegmentedControl
          className="company-ways"
          value={way}
          onChange={(value) => change(value as Way)}
          data={(["type", "record", "upload"] as const).map((value) => ({
            value,
            label: t(`greeting.${value}`),
          }))}
        />
        {way === "type" && (
          <Textarea
            label={t("greeting.text")}
            description={t("greeting.textHelp")}
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
                  {t("greeting.choose")}
                </Button>
              )}
            </FileButton>
            <Text size="sm" className="company-quiet">
              {sound instanceof File ? sound.name : t("greeting.file")}
            </Text>
          </Group>
        )}
        <Trouble error={trouble ?? saving.error} />
        <Group>
          <Listen
            disabled={way === "type" ? text.trim() === "" : sound === null}
            sound={() => {
              setTrouble(null);
              return way === "type" ? speech(tenant, text.trim(), language) : (sound ?? new Blob());
            }}
            onTrouble={setTrouble}
          />
          <Button
            disabled={!ready}
            loading={saving.isPending}
            onClick={() => saving.mutate(way === "type" ? null : sound)}
          >
            {t("greeting.use")}
          </Button>
          {saving.isSuccess && !ready && (
            <Text size="sm" role="status" className="company-quiet">
              {t("saved")}
            </Text>
          )}
        </Group>
      </Stack>
    </Section>
  );
}
