import {
  ActionIcon,
  Button,
  CopyButton,
  Group,
  PasswordInput,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconBrowser, IconCheck, IconCopy, IconDeviceLandlinePhone } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, once, type Person, type Schemas } from "@/api/client";
import { Forwards } from "@/company/Forwards";
import { CallNow, Delete, ExtensionField, NameField } from "@/company/parts";
import { useRefresh, useSettings } from "@/parts/data";
import { Editor, Hears, Trouble } from "@/parts/parts";
import { useTenant } from "@/shell/me";

const ICON = { size: 18, stroke: 1.6, "aria-hidden": true };

/** One person: name, extension, sign-in, telephones. */
export function PersonEditor({ person, onClose }: { person: Person | null; onClose(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const [name, setName] = useState(person?.name ?? "");
  const [extension, setExtension] = useState<string | null>(person ? (person.extension ?? "") : null);
  const [email, setEmail] = useState(person?.email ?? "");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Person["role"]>(person?.role ?? "employee");
  const free = useQuery({
    queryKey: ["person", tenant, "free"],
    enabled: person === null,
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/extensions/free", {
          params: { path: { tenant }, query: { from: "101", limit: 1 } },
        }),
      ),
  });
  const suggested = free.data?.[0] ?? "";
  const shownExtension = extension ?? suggested;

  async function save() {
    const fields = {
      name: name.trim(),
      extension: shownExtension || null,
      email: email.trim() || null,
      role,
    };
    if (person === null) {
      await ask(
        api.POST("/api/v1/tenants/{tenant}/people", {
          params: { path: { tenant }, header: once() },
          body: { ...fields, password: password || null },
        }),
      );
    } else {
      const path = { tenant, person: person.id };
      await ask(api.PATCH("/api/v1/tenants/{tenant}/people/{person}", { params: { path }, body: fields }));
      if (password)
        await ask(
          api.PUT("/api/v1/tenants/{tenant}/people/{person}/password", {
            params: { path },
            body: { password },
          }),
        );
    }
    await refresh("person");
  }
  return (
    <Editor
      title={person?.name ?? t("people.add")}
      save={save}
      onClose={onClose}
      more={person && <More person={person} onGone={onClose} />}
    >
      <NameField value={name} onChange={setName} />
      <ExtensionField value={shownExtension} onChange={setExtension} />
      <TextInput
        type="email"
        label={t("people.email")}
        description={t("people.emailHelp")}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <PasswordInput
        size="md"
        label={t("people.password")}
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      <Select
        size="md"
        label={t("people.role")}
        description={t("people.roleHelp")}
        allowDeselect={false}
        data={(["employee", "administrator"] as const).map((value) => ({
          value,
          label: t(`shell:role.${value}`),
        }))}
        value={role}
        onChange={(value) => setRole(value === "administrator" ? value : "employee")}
      />
    </Editor>
  );
}

/** What a caller hears, the telephones, and the way to delete. */
function More({ person, onGone }: { person: Person; onGone(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const seconds = useSettings().data?.ring_seconds ?? 20;
  const path = { tenant, person: person.id };
  async function remove() {
    await ask(api.DELETE("/api/v1/tenants/{tenant}/people/{person}", { params: { path } }));
    await refresh("person");
  }
  return (
    <Stack mt="xl" gap="lg">
      {person.extension && (
        <Hears action={<CallNow to={person.extension} name={person.name} />}>
          <Text size="sm">{t("hears.person", { name: person.name, seconds })}</Text>
        </Hears>
      )}
      <Forwards person={person} />
      <Devices person={person} />
      <Delete words={t("people.deleteSure", { name: person.name })} act={remove} onGone={onGone} />
    </Stack>
  );
}

function Devices({ person }: { person: Person }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const path = { tenant, person: person.id };
  const list = useQuery({
    queryKey: ["device", tenant, person.id],
    queryFn: () => ask(api.GET("/api/v1/tenants/{tenant}/people/{person}/devices", { params: { path } })),
  });
  // a browser that is closed is no telephone any more
  const phones = list.data?.filter((device) => !device.browser || device.registered);
  const [made, setMade] = useState<Schemas["DeviceWithSecret"] | null>(null);
  const adding = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/api/v1/tenants/{tenant}/people/{person}/devices", {
          params: { path, header: once() },
          body: {},
        }),
      ),
    onSuccess(device) {
      setMade(device as Schemas["DeviceWithSecret"]);
      void list.refetch();
    },
  });
  const secret = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is shown once, and moves when the list has the new one
  useEffect(() => {
    secret.current?.scrollIntoView({ block: "nearest" });
  }, [made, phones?.length]);
  return (
    <section aria-label={t("people.devices")}>
      <Text fw={600} size="sm" mb={6}>
        {t("people.devices")}
      </Text>
      <Stack gap={6}>
        {phones?.map(({ browser, ...device }) => (
          <Group key={device.id} gap="sm" wrap="nowrap">
            {browser ? <IconBrowser {...ICON} /> : <IconDeviceLandlinePhone {...ICON} />}
            <Text size="sm" truncate className="company-name">
              {browser ? t("people.browser") : device.username}
            </Text>
            <Text size="xs" className="quiet">
              {t(device.registered ? "people.deviceOn" : "people.deviceOff")}
            </Text>
          </Group>
        ))}
        {made && (
          <div className="company-secret" ref={secret}>
            <Text size="sm" mb={6}>
              {t("people.secretTitle")}
            </Text>
            <dl>
              <Told what={t("people.username")} value={made.username} />
              <Told what={t("people.password")} value={made.password} />
              <Told what={t("people.domain")} value={made.server.domain} />
              <Told what={t("people.server")} value={`${made.server.host}:${made.server.udp}`} />
            </dl>
          </div>
        )}
        <Trouble error={adding.error} />
        <Group>
          <Button variant="light" size="sm" loading={adding.isPending} onClick={() => adding.mutate()}>
            {t("people.addDevice")}
          </Button>
        </Group>
      </Stack>
    </section>
  );
}

/** A setting of a telephone, to be typed or copied. */
function Told({ what, value }: { what: string; value: string }) {
  const { t } = useTranslation("company");
  return (
    <>
      <dt>{what}</dt>
      <dd>
        {value}
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <ActionIcon
              variant="subtle"
              aria-label={t(copied ? "people.copied" : "people.copy", { what })}
              onClick={copy}
            >
              {copied ? <IconCheck {...ICON} /> : <IconCopy {...ICON} />}
            </ActionIcon>
          )}
        </CopyButton>
      </dd>
    </>
  );
}
