import { Button, Group, MultiSelect, Select, Text } from "@mantine/core";
import { IconPlus, IconUsersGroup } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, once } from "@/api/client";
import { Card } from "@/company/Card";
import type { Department } from "@/company/data";
import { CallNow, Delete, ExtensionField, NameField } from "@/company/parts";
import { useDepartments } from "@/live/calls";
import { useRefresh } from "@/parts/data";
import { Editor, Hears } from "@/parts/parts";
import { usePeople } from "@/phone/directory";
import { Awaited, Empty } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

/** People who are reached together. */
export function Departments() {
  const { t } = useTranslation("company");
  const list = useDepartments();
  const [edited, setEdited] = useState<Department | "new" | null>(null);
  if (!list.data) return <Awaited query={list} />;
  return (
    <>
      <Group justify="flex-end" mb="md">
        <Button leftSection={<IconPlus size={17} />} onClick={() => setEdited("new")}>
          {t("departments.add")}
        </Button>
      </Group>
      {list.data?.items.length === 0 && (
        <Empty title={t("departments.none")} text={t("departments.noneText")} />
      )}
      <div className="company-cards">
        {list.data?.items.map((department) => (
          <Card
            key={department.id}
            icon={<IconUsersGroup size={22} stroke={1.6} />}
            title={department.name}
            extension={department.extension}
            text={t(`departments.${department.kind}`)}
            onOpen={() => setEdited(department)}
          >
            <Text size="sm" className="quiet" lineClamp={2}>
              {department.members.map((x) => x.name).join(", ")}
            </Text>
          </Card>
        ))}
      </div>
      {edited && <One department={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function One({ department, onClose }: { department: Department | null; onClose(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const [name, setName] = useState(department?.name ?? "");
  const [extension, setExtension] = useState(department?.extension ?? "");
  const [kind, setKind] = useState<Department["kind"]>(department?.kind ?? "ring");
  const [members, setMembers] = useState(department?.members ?? []);
  const [q, setQ] = useState("");
  const people = usePeople(q).data?.items ?? [];
  const known = new Map([...members, ...people].map((x) => [x.id, x.name]));
  async function save() {
    const body = { name: name.trim(), extension, kind, members: members.map((x) => x.id) };
    await (department === null
      ? ask(
          api.POST("/api/v1/tenants/{tenant}/departments", {
            params: { path: { tenant }, header: once() },
            body,
          }),
        )
      : ask(
          api.PATCH("/api/v1/tenants/{tenant}/departments/{department}", {
            params: { path: { tenant, department: department.id } },
            body,
          }),
        ));
    await refresh("department");
  }
  async function remove(gone: string) {
    const path = { tenant, department: gone };
    await ask(api.DELETE("/api/v1/tenants/{tenant}/departments/{department}", { params: { path } }));
    await refresh("department");
  }
  const names = members.map((x) => x.name).join(", ");
  return (
    <Editor
      title={department?.name ?? t("departments.add")}
      save={save}
      onClose={onClose}
      more={
        <div className="part-more">
          <Hears
            action={department?.extension && <CallNow to={department.extension} name={department.name} />}
          >
            <Text size="sm">{members.length ? t(`hears.${kind}`, { name, names }) : t("hears.empty")}</Text>
          </Hears>
          {department && (
            <Delete
              words={t("departments.deleteSure", { name: department.name })}
              act={() => remove(department.id)}
              onGone={onClose}
            />
          )}
        </div>
      }
    >
      <NameField value={name} onChange={setName} />
      <ExtensionField required value={extension} onChange={setExtension} />
      <Select
        size="md"
        label={t("departments.kind")}
        allowDeselect={false}
        data={(["ring", "queue"] as const).map((value) => ({ value, label: t(`departments.${value}`) }))}
        value={kind}
        onChange={(value) => setKind(value === "queue" ? "queue" : "ring")}
      />
      <MultiSelect
        size="md"
        label={t("departments.members")}
        description={kind === "queue" && t("departments.membersHelp")}
        searchable
        searchValue={q}
        onSearchChange={setQ}
        data={[...known].map(([value, label]) => ({ value, label }))}
        value={members.map((x) => x.id)}
        onChange={(ids) => setMembers(ids.map((id) => ({ id, name: known.get(id) ?? "" })))}
      />
    </Editor>
  );
}
