import { Button, Group, Menu, Text, TextInput } from "@mantine/core";
import { IconPhoneOutgoing, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, once } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Sure } from "@/parts/Sure";
import { usePeople, usePresence } from "@/phone/directory";
import { useMe, useTenant } from "@/shell/me";

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

/** The way to delete something, which is asked once more. A refusal says what leads there. */
export function Delete({ words, act, onGone }: { words: string; act(): Promise<unknown>; onGone(): void }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState(false);
  if (asked) return <Sure words={words} act={act} onDone={onGone} onCancel={() => setAsked(false)} />;
  return (
    <Group>
      <Button
        variant="subtle"
        color="red"
        size="sm"
        leftSection={<IconTrash size={16} />}
        onClick={() => setAsked(true)}
      >
        {t("delete")}
      </Button>
    </Group>
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
    .filter((person) => ["available", "dnd"].includes(presence.get(person.id) ?? ""))
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
              rightSection={<span className="numbers quiet">{person.extension}</span>}
            >
              {person.name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Text size="sm" mt={6} role="status" className="quiet">
        {said || t("callNowHelp")}
      </Text>
    </div>
  );
}
