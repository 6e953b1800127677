import { Badge, Button, Drawer, Group, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { useRefresh, useSettings } from "@/parts/data";
import { Listen } from "@/parts/Listen";
import { Hears, Section, Trouble } from "@/parts/parts";
import { type Chosen, SoundChooser } from "@/parts/SoundChooser";
import { uploadPrompt } from "@/parts/sound";
import { Awaited, Empty } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

type Phrase = Schemas["CallerPhrase"];

/** Where a caller may come to hear a phrase: the first part of its key. */
const PLACES = [
  "menu",
  "outside",
  "queue",
  "directory",
  "conference",
  "park",
  "voicemail",
  "mailbox",
  "prefer",
];
const placeOf = ({ key }: Phrase) => PLACES.find((one) => key.startsWith(`${one}.`)) ?? "other";
const plain = (text: string) => text.toLocaleLowerCase();

/** All that the system says to callers: each is listened to, replaced, and given back. */
export function Phrases() {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const [q, setQ] = useState("");
  const [edited, setEdited] = useState<string | null>(null);
  const list = useQuery({
    queryKey: ["phrase", tenant],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}/phrases", { params: { path: { tenant } } })),
  });
  if (!list.data) return <Awaited query={list} />;
  const found = list.data.filter((one) => plain(one.text).includes(plain(q.trim())));
  const open = list.data.find((one) => one.key === edited);
  return (
    <div className="part-stack">
      <div>
        <Text size="sm" className="quiet" mb="sm">
          {t("phrases.lead")}
        </Text>
        <TextInput
          maw={420}
          leftSection={<IconSearch size={17} />}
          aria-label={t("phrases.find")}
          placeholder={t("phrases.find")}
          value={q}
          onChange={(event) => setQ(event.currentTarget.value)}
        />
      </div>
      {found.length === 0 && <Empty title={t("phrases.none")} />}
      {[...PLACES, "other"].map((place) => {
        const here = found.filter((one) => placeOf(one) === place);
        if (here.length === 0) return null;
        return (
          <Section key={place} title={t(`phrases.places.${place}` as "title")}>
            <ul className="company-phrases">
              {here.map((one) => (
                <Row key={one.key} one={one} onOpen={() => setEdited(one.key)} />
              ))}
            </ul>
          </Section>
        );
      })}
      {open && <One key={open.key} one={open} onClose={() => setEdited(null)} />}
    </div>
  );
}

/** What differs from call to call stands between dots, not in braces. */
const readable = (text: string) => text.replace(/\{\w+\}\.?/g, "…");

function soundOf(tenant: string, { key, own, prompt }: Phrase): string {
  return `/api/v1/tenants/${tenant}/phrases/${key}/sound?${own ? (prompt?.id ?? "own") : "ours"}`;
}

function Row({ one, onOpen }: { one: Phrase; onOpen(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const [trouble, setTrouble] = useState<unknown>(null);
  const text = readable(one.text);
  return (
    <li>
      <Listen
        small
        label={`${t("parts:listen")}: ${text}`}
        sound={() => soundOf(tenant, one)}
        onTrouble={setTrouble}
      />
      <div className="company-name">
        <Text size="sm">{text}</Text>
        {one.own && (
          <Group gap={6}>
            <Badge variant="light" tt="none">
              {t("phrases.own")}
            </Badge>
            <Text size="xs" className="quiet">
              {one.prompt?.name}
            </Text>
          </Group>
        )}
        <Trouble error={trouble} />
      </div>
      <Button variant="subtle" size="sm" aria-label={`${t("phrases.replace")}: ${text}`} onClick={onOpen}>
        {t("phrases.replace")}
      </Button>
    </li>
  );
}

function One({ one, onClose }: { one: Phrase; onClose(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const language = useSettings().data?.language ?? "en";
  const text = readable(one.text);
  const choose = async (prompt: string | null) => {
    await ask(
      api.PUT("/api/v1/tenants/{tenant}/phrases/{phrase}", {
        params: { path: { tenant, phrase: one.key } },
        body: { prompt },
      }),
    );
    await refresh("phrase", "prompt");
  };
  const use = async (chosen: Chosen) => {
    const name = text.slice(0, 60);
    const made =
      "sound" in chosen
        ? await uploadPrompt(tenant, name, chosen.sound)
        : await ask(
            api.POST("/api/v1/tenants/{tenant}/prompts", {
              params: { path: { tenant } },
              body: { name, text: chosen.text, language },
            }),
          );
    await choose((made as Schemas["Prompt"]).id);
  };
  const restoring = useMutation({ mutationFn: () => choose(null) });
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={480}
      title={t("phrases.title")}
      closeButtonProps={{ "aria-label": t("shell:close") }}
    >
      <div className="part-stack">
        <Hears action={<Listen sound={() => soundOf(tenant, one)} />}>
          <Text size="sm" className="part-said">
            {one.own
              ? t("phrases.hearsOwn", { name: one.prompt?.name ?? "" })
              : t("hears.greeting", { text })}
          </Text>
        </Hears>
        {one.text.includes("{") && (
          <Text size="sm" className="quiet">
            {t("phrases.loses")}
          </Text>
        )}
        {one.own && (
          <div>
            <Button
              variant="light"
              size="sm"
              loading={restoring.isPending}
              onClick={() => restoring.mutate()}
            >
              {t("phrases.restore")}
            </Button>
          </div>
        )}
        <Trouble error={restoring.error} />
        <SoundChooser
          text={one.own ? "" : text}
          label={t("phrases.text")}
          language={language}
          use={t("phrases.use")}
          onUse={use}
        />
      </div>
    </Drawer>
  );
}
