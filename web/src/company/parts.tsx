import { Alert, Button, Drawer, Group, Menu, Paper, Stack, Text, TextInput } from "@mantine/core";
import { IconEar, IconPhoneOutgoing } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, once } from "@/api/client";
import { asProblem } from "@/api/problem";
import { usePeople, usePresence } from "@/live/calls";
import { useMe, useTenant } from "@/shell/me";

/** A part of a page with a heading of its own. */
export function Section({
  title,
  lead,
  aside,
  children,
}: {
  title: string;
  lead?: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="card company-section" aria-label={title}>
      <Group justify="space-between" align="flex-start" mb="md" className="company-head">
        <div>
          <h2>{title}</h2>
          {lead && (
            <Text size="sm" className="company-quiet">
              {lead}
            </Text>
          )}
        </div>
        {aside}
      </Group>
      {children}
    </section>
  );
}

/** What a caller will hear, in plain words. */
export function Hears({ children, action }: { children: ReactNode; action?: ReactNode }) {
  const { t } = useTranslation("company");
  return (
    <Paper className="company-hears" p="md" radius="md">
      <Group gap={8} mb={6} wrap="nowrap">
        <IconEar size={18} stroke={1.7} aria-hidden />
        <Text fw={600} size="sm">
          {t("hears.title")}
        </Text>
      </Group>
      <Stack gap={4}>{children}</Stack>
      {action && <div className="company-action">{action}</div>}
    </Paper>
  );
}

export function Trouble({ error }: { error: unknown }) {
  return error ? (
    <Alert color="red" radius="md" role="alert">
      {asProblem(error).words}
    </Alert>
  ) : null;
}

/** A drawer with a form: saving closes it, a refusal is shown in it. */
export function Editor({
  title,
  save,
  saveLabel,
  more,
  children,
  onClose,
}: {
  title: string;
  save(): Promise<unknown>;
  saveLabel?: string;
  more?: ReactNode;
  children: ReactNode;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const saving = useMutation({ mutationFn: save, onSuccess: onClose });
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={440}
      title={<span className="company-drawer">{title}</span>}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <Stack gap="md">
          {children}
          <Trouble error={saving.error} />
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={saving.isPending}>
              {saveLabel ?? t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
      {more}
    </Drawer>
  );
}

/** What something of the company is called. */
export function NameField({ value, onChange }: { value: string; onChange(value: string): void }) {
  const { t } = useTranslation("company");
  return (
    <TextInput
      data-autofocus
      required
      label={t("name")}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** The short number by which it is reached. */
export function ExtensionField({
  value,
  required,
  onChange,
}: {
  value: string;
  required?: boolean;
  onChange(value: string): void;
}) {
  const { t } = useTranslation("company");
  return (
    <TextInput
      required={required}
      label={t("extension")}
      description={t("extensionHelp")}
      inputMode="numeric"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Hear it as a caller does: a phone rings, and is then connected to `to`. */
export function CallNow({ to, name }: { to: string; name: string }) {
  const { t } = useTranslation("company");
  const me = useMe();
  const tenant = useTenant();
  const presence = usePresence();
  const people = usePeople("").data?.items ?? [];
  const [said, setSaid] = useState("");
  const ready = people
    .filter((person) => presence.get(person.id) === "available")
    .sort((a, b) => Number(b.id === me.person) - Number(a.id === me.person));
  const call = (person: string, who: string) =>
    ask(
      api.POST("/api/v1/tenants/{tenant}/calls", {
        params: { path: { tenant }, header: once() },
        body: { person, to },
      }),
    ).then(
      () => setSaid(t("ringsAt", { name: who, to: name })),
      (error) => setSaid(asProblem(error).words),
    );
  return (
    <div>
      <Menu position="bottom-start" width={260} withinPortal>
        <Menu.Target>
          <Button variant="light" size="sm" leftSection={<IconPhoneOutgoing size={17} />}>
            {t("callNow")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{ready.length > 0 ? t("whosePhone") : t("noPhoneOn")}</Menu.Label>
          {ready.slice(0, 8).map((person) => (
            <Menu.Item
              key={person.id}
              onClick={() => void call(person.id, person.name)}
              rightSection={<span className="numbers company-quiet">{person.extension}</span>}
            >
              {person.name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Text size="sm" mt={6} role="status" className="company-quiet">
        {said || t("callNowHelp")}
      </Text>
    </div>
  );
}
