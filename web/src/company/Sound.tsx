import { ActionIcon, Button, FileButton, Group, Select, Stack, Text } from "@mantine/core";
import { IconTrash, IconUpload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { type Prompt, useMusic, usePrompts } from "@/company/data";
import { clock } from "@/live/Since";
import { useRefresh } from "@/parts/data";
import { Listen } from "@/parts/Listen";
import { Said, Section, Trouble } from "@/parts/parts";
import { uploadPrompt } from "@/parts/sound";
import { useTenant } from "@/shell/me";

const HOUSE = "house";

/** Hold music, and the sounds that the company has made its own. */
export function Sound() {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const music = useMusic();
  const prompts = usePrompts();
  const path = { tenant };
  const choosing = useMutation({
    mutationFn: (prompt: string) =>
      ask(
        api.PUT("/api/v1/tenants/{tenant}/hold-music", {
          params: { path },
          body: { prompt: prompt === HOUSE ? null : prompt },
        }),
      ),
    onSuccess: () => refresh("music", "prompt"),
  });
  const uploading = useMutation({
    mutationFn: (file: File) => uploadPrompt(tenant, file.name.replace(/\.[^.]+$/, ""), file),
    onSuccess: () => refresh("prompt"),
  });
  const list = prompts.data?.items ?? [];
  return (
    <div className="part-stack">
      <Section
        title={t("sound.music")}
        lead={t("sound.musicLead")}
        aside={<Listen sound={() => `/api/v1/tenants/${tenant}/hold-music/sound?${music.dataUpdatedAt}`} />}
      >
        <Select
          aria-label={t("sound.music")}
          allowDeselect={false}
          data={[
            { value: HOUSE, label: t("sound.house") },
            ...list.map((x) => ({ value: x.id, label: x.name })),
          ]}
          value={music.data?.prompt?.id ?? HOUSE}
          onChange={(prompt) => prompt && choosing.mutate(prompt)}
        />
        <Trouble error={choosing.error} />
        {choosing.isSuccess && <Said>{t("parts:saved")}</Said>}
      </Section>
      <Section
        title={t("sound.own")}
        lead={t("sound.ownLead")}
        aside={
          <FileButton accept="audio/*" onChange={(file) => file && uploading.mutate(file)}>
            {(props) => (
              <Button
                variant="light"
                leftSection={<IconUpload size={17} />}
                loading={uploading.isPending}
                {...props}
              >
                {t("sound.upload")}
              </Button>
            )}
          </FileButton>
        }
      >
        <Trouble error={uploading.error} />
        {prompts.data && list.length === 0 && (
          <Text size="sm" className="quiet">
            {t("sound.none")}
          </Text>
        )}
        <Stack gap="xs">
          {list.map((prompt) => (
            <One key={prompt.id} prompt={prompt} />
          ))}
        </Stack>
      </Section>
    </div>
  );
}

function One({ prompt }: { prompt: Prompt }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const path = { tenant, prompt: prompt.id };
  const deleting = useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/tenants/{tenant}/prompts/{prompt}", { params: { path } })),
    onSuccess: () => refresh("prompt"),
  });
  const used = prompt.uses.map((use) => t(`sound.uses.${use.kind}`, { name: use.name })).join(", ");
  return (
    <div>
      <Group wrap="nowrap" gap="sm">
        <Listen small sound={() => `/api/v1/tenants/${tenant}/prompts/${prompt.id}/sound`} />
        <span className="company-name">
          <Text component="span" size="sm" fw={560} truncate>
            {prompt.name}
          </Text>
          <Text component="span" size="xs" className="quiet numbers" truncate>
            {clock(prompt.seconds)}
            {used && ` · ${t("sound.playedAs")}: ${used}`}
          </Text>
        </span>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={`${t("remove")} ${prompt.name}`}
          loading={deleting.isPending}
          onClick={() => deleting.mutate()}
        >
          <IconTrash size={18} stroke={1.7} />
        </ActionIcon>
      </Group>
      <Trouble error={deleting.error} />
    </div>
  );
}
