import { Select } from "@mantine/core";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMenus, useRooms } from "@/company/data";
import { useDepartments } from "@/live/calls";
import { usePeople } from "@/phone/directory";

export interface Led {
  kind: string;
  id: string;
  name: string;
}

const key = ({ kind, id }: { kind: string; id: string }) => `${kind}:${id}`;

/** What a target is called: somebody's name, or what happens there. */
export function titled({ kind, name }: { kind: string; name?: string }, t: TFunction<"company">): string {
  if (kind === "voicemail") return t("kinds.voicemail", { name });
  return name && kind !== "directory" && kind !== "music" ? name : t(`kinds.${kind}`, { name: "" });
}

/** Where a key or a number leads: typed to be found, among thousands, too. */
export function TargetSelect({
  value,
  label,
  allowed,
  onChange,
}: {
  value: Led;
  label: string;
  allowed: string[];
  onChange(value: Led): void;
}) {
  const { t } = useTranslation("company");
  const [q, setQ] = useState("");
  const shownName = titled(value, t);
  const people = usePeople(q === shownName ? "" : q).data?.items ?? [];
  const departments = useDepartments().data?.items ?? [];
  const rooms = useRooms().data?.items ?? [];
  const menus = useMenus().data?.items ?? [];
  const every: (Led & { group: string })[] = [
    ...departments.map((x) => ({ kind: "department", id: x.id, name: x.name, group: "departments" })),
    ...people
      .filter((x) => x.extension)
      .map((x) => ({ kind: "person", id: x.id, name: x.name, group: "people" })),
    ...rooms.map((x) => ({ kind: "room", id: x.id, name: x.name, group: "rooms" })),
    ...[...people, ...departments].map((x) => ({
      kind: "voicemail",
      id: x.id,
      name: x.name,
      group: "sound",
    })),
    ...menus.map((x) => ({ kind: "menu", id: x.id, name: x.name, group: "welcome" })),
    ...(["directory", "repeat", "hang_up"] as const).map((kind) => ({
      kind,
      id: "",
      name: "",
      group: "welcome",
    })),
  ].filter((x) => allowed.includes(x.kind));
  const same = every.find((x) => key(x) === key(value) || (x.kind === value.kind && x.kind === "directory"));
  if (same) same.id = value.id;
  else every.unshift({ ...value, group: "welcome" });
  const groups = [...new Set(every.map((x) => x.group))].map((group) => ({
    group: group === "sound" ? t("kinds.voicemail", { name: "…" }) : t(`sections.${group}`),
    items: every.filter((x) => x.group === group).map((x) => ({ value: key(x), label: titled(x, t) })),
  }));
  return (
    <Select
      aria-label={label}
      data={groups}
      searchable
      allowDeselect={false}
      maxDropdownHeight={320}
      value={key(value)}
      onSearchChange={setQ}
      onChange={(chosen) => {
        const found = every.find((x) => key(x) === chosen);
        if (found) onChange({ kind: found.kind, id: found.id, name: found.name });
      }}
    />
  );
}
