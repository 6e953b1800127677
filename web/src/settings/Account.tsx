import {
  Badge,
  Button,
  Group,
  PasswordInput,
  SegmentedControl,
  Stack,
  Text,
  useMantineColorScheme,
} from "@mantine/core";
import { IconDeviceLaptop, IconDeviceMobile } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { asProblem } from "@/api/problem";
import { useRefresh } from "@/parts/data";
import { shortTime } from "@/parts/days";
import { Said, Section, Trouble } from "@/parts/parts";
import { agentName } from "@/settings/agent";
import { LANGUAGES, type Language, speak } from "@/shell/i18n";
import { Awaited } from "@/shell/Messages";
import { useMe } from "@/shell/me";

type Session = Schemas["Session"];

/** How one signs in, where one is signed in, and how the pages look. */
export function Account() {
  return (
    <div className="part-stack settings-account">
      <Look />
      <Password />
      <Sessions />
    </div>
  );
}

function Look() {
  const { t, i18n } = useTranslation("settings");
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title={t("look.title")}>
      <Stack gap="md" align="flex-start">
        <div>
          <Text size="sm" mb={6} id="settings-language">
            {t("look.language")}
          </Text>
          <SegmentedControl
            aria-labelledby="settings-language"
            value={i18n.language}
            onChange={(value) => speak(value as Language)}
            data={Object.entries(LANGUAGES).map(([value, label]) => ({
              value,
              label: <span lang={value}>{label}</span>,
            }))}
          />
        </div>
        <div>
          <Text size="sm" mb={6} id="settings-theme">
            {t("look.theme")}
          </Text>
          <SegmentedControl
            aria-labelledby="settings-theme"
            value={colorScheme}
            onChange={(value) => setColorScheme(value as typeof colorScheme)}
            data={(["auto", "light", "dark"] as const).map((value) => ({
              value,
              label: t(`shell:menu.${value}`),
            }))}
          />
        </div>
      </Stack>
    </Section>
  );
}

function Password() {
  const { t } = useTranslation("settings");
  const refresh = useRefresh();
  const email = useMe().email;
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const changing = useMutation({
    mutationFn: () => ask(api.PUT("/api/v1/me/password", { body: { current, password } })),
    onSuccess: () => {
      setCurrent("");
      setPassword("");
      return refresh("sessions");
    },
  });
  const wrong = changing.error !== null && asProblem(changing.error).code === "wrong_password";
  const change = (event: FormEvent) => {
    event.preventDefault();
    changing.mutate();
  };
  return (
    <Section title={t("password.title")} lead={t("password.lead")}>
      <form onSubmit={change}>
        <input type="email" name="email" autoComplete="username" value={email} readOnly hidden />
        <Stack gap="md" className="settings-narrow">
          <PasswordInput
            size="md"
            label={t("password.current")}
            autoComplete="current-password"
            error={wrong && t("password.wrong")}
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            size="md"
            label={t("password.next")}
            description={t("password.help")}
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Trouble error={wrong ? null : changing.error} />
          <Group>
            <Button
              type="submit"
              disabled={current === "" || password.length < 8}
              loading={changing.isPending}
            >
              {t("password.save")}
            </Button>
          </Group>
          {changing.isSuccess && password === "" && <Said>{t("password.saved")}</Said>}
        </Stack>
      </form>
    </Section>
  );
}

function Sessions() {
  const { t } = useTranslation("settings");
  const refresh = useRefresh();
  const list = useQuery({
    queryKey: ["sessions"],
    queryFn: () => ask(api.GET("/api/v1/me/sessions")),
  });
  const ending = useMutation({
    mutationFn: async (sessions: Session[]) => {
      for (const { id } of sessions)
        await ask(api.DELETE("/api/v1/me/sessions/{session}", { params: { path: { session: id } } }));
    },
    onSettled: () => refresh("sessions"),
  });
  const data = list.data;
  if (!data) return <Awaited query={list} />;
  const others = data.filter((one) => !one.current);
  return (
    <Section
      title={t("sessions.title")}
      lead={others.length > 0 ? t("sessions.lead") : t("sessions.only")}
      aside={
        others.length > 1 && (
          <Button variant="light" size="sm" loading={ending.isPending} onClick={() => ending.mutate(others)}>
            {t("sessions.endOthers")}
          </Button>
        )
      }
    >
      <Trouble error={ending.error} />
      <ul className="settings-list">
        {[...data]
          .sort((a, b) => Number(b.current) - Number(a.current) || b.seen.localeCompare(a.seen))
          .map((one) => (
            <SessionRow key={one.id} one={one} onEnd={() => ending.mutate([one])} />
          ))}
      </ul>
    </Section>
  );
}

function SessionRow({ one, onEnd }: { one: Session; onEnd(): void }) {
  const { t, i18n } = useTranslation("settings");
  const when = shortTime(new Date(one.seen), new Date(), i18n.language);
  const name = agentName(one.agent) || one.address;
  const Icon = /Mobile|Android|iPhone/.test(one.agent) ? IconDeviceMobile : IconDeviceLaptop;
  return (
    <li>
      <Icon size={24} stroke={1.5} aria-hidden />
      <div className="settings-what">
        <Group gap={8}>
          <Text size="sm" fw={560}>
            {name}
          </Text>
          {one.current && (
            <Badge variant="light" tt="none">
              {t("sessions.here")}
            </Badge>
          )}
        </Group>
        <Text size="xs" className="quiet numbers">
          {[one.address, t("sessions.seen", { when })].join(" · ")}
        </Text>
      </div>
      {!one.current && (
        <Button variant="default" size="xs" aria-label={t("sessions.endOne", { name })} onClick={onEnd}>
          {t("sessions.end")}
        </Button>
      )}
    </li>
  );
}
