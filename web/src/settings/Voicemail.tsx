import { Button, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { useRefresh, useSettings } from "@/parts/data";
import { Listen } from "@/parts/Listen";
import { Hears, Said, Section, Trouble } from "@/parts/parts";
import { type Chosen, SoundChooser } from "@/parts/SoundChooser";
import { uploadGreeting } from "@/parts/sound";
import { useOwnMailbox } from "@/settings/data";
import { Awaited } from "@/shell/Messages";
import { useMe, useTenant } from "@/shell/me";

/** The greeting before one's messages, and the PIN with which they are heard by telephone. */
export function Voicemail() {
  const { t } = useTranslation("settings");
  const me = useMe();
  const list = useOwnMailbox();
  const data = list.data;
  if (!data) return <Awaited query={list} />;
  return (
    <div className="part-two">
      <div className="part-stack">
        <Greeting own={data.own_greeting} />
        <Pin has={data.has_pin} />
      </div>
      <Hears>
        <Text size="sm" className="part-said">
          {data.own_greeting ? t("greeting.hearsOwn") : t("greeting.hearsDefault", { name: me.name })}
        </Text>
      </Hears>
    </div>
  );
}

function Greeting({ own }: { own: boolean }) {
  const { t } = useTranslation("settings");
  const tenant = useTenant();
  const mailbox = useMe().person ?? "";
  const refresh = useRefresh();
  const language = useSettings().data?.language ?? "en";
  const [trouble, setTrouble] = useState<unknown>(null);
  const path = { tenant, mailbox };
  const restoring = useMutation({
    mutationFn: () =>
      ask(api.DELETE("/api/v1/tenants/{tenant}/mailboxes/{mailbox}/greeting", { params: { path } })),
    onSuccess: () => refresh("mailbox"),
  });
  const use = async (chosen: Chosen) => {
    await ("text" in chosen
      ? ask(
          api.PUT("/api/v1/tenants/{tenant}/mailboxes/{mailbox}/greeting", {
            params: { path },
            body: { text: chosen.text, language } satisfies Schemas["Words"],
          }),
        )
      : uploadGreeting(tenant, mailbox, chosen.sound));
    restoring.reset();
    await refresh("mailbox");
  };
  return (
    <Section title={t("greeting.title")} lead={t("greeting.lead")}>
      <Stack gap="md">
        <Group gap="sm">
          <Listen
            small
            label={t("greeting.listenNow")}
            sound={() => {
              setTrouble(null);
              return `/api/v1/tenants/${tenant}/mailboxes/${mailbox}/greeting/sound?${Date.now()}`;
            }}
            onTrouble={setTrouble}
          />
          <Text size="sm" className="settings-what">
            <span className="quiet">{t("greeting.now")}</span> {t(own ? "greeting.own" : "greeting.default")}
          </Text>
          {own && (
            <Button
              variant="subtle"
              size="sm"
              loading={restoring.isPending}
              onClick={() => restoring.mutate()}
            >
              {t("greeting.restore")}
            </Button>
          )}
        </Group>
        {restoring.isSuccess && !own && <Said>{t("greeting.restored")}</Said>}
        <Trouble error={trouble ?? restoring.error} />
        <SoundChooser
          text=""
          label={t("greeting.text")}
          language={language}
          use={t("greeting.use")}
          first="record"
          onUse={use}
        />
      </Stack>
    </Section>
  );
}

function Pin({ has }: { has: boolean }) {
  const { t } = useTranslation("settings");
  const tenant = useTenant();
  const person = useMe().person ?? "";
  const refresh = useRefresh();
  const codes = useSettings().data?.feature_codes;
  const code = codes?.mailbox ?? "*97";
  const [pin, setPin] = useState("");
  const saving = useMutation({
    mutationFn: () =>
      ask(
        api.PUT("/api/v1/tenants/{tenant}/people/{person}/voicemail-pin", {
          params: { path: { tenant, person } },
          body: { pin },
        }),
      ),
    onSuccess: () => {
      setPin("");
      return refresh("mailbox");
    },
  });
  const save = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate();
  };
  return (
    <Section
      title={t("pin.title")}
      lead={code === "" ? t("pin.off") : t(has ? "pin.set" : "pin.none", { code })}
    >
      <form onSubmit={save}>
        <Stack gap="md">
          <PasswordInput
            className="settings-narrow"
            size="md"
            label={t("pin.label")}
            description={t("pin.help")}
            inputMode="numeric"
            autoComplete="off"
            maxLength={10}
            value={pin}
            onChange={(event) => setPin(event.currentTarget.value.replace(/[^0-9]/g, ""))}
          />
          <Trouble error={saving.error} />
          <Group>
            <Button type="submit" disabled={pin.length < 4} loading={saving.isPending}>
              {t("pin.save")}
            </Button>
            {saving.isSuccess && pin === "" && <Said>{t("pin.saved")}</Said>}
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
