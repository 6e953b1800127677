import { Select } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePeople } from "@/phone/directory";
import "@/parts/words";

/** Somebody of the company, or anyone: typed to be found, among thousands, too. */
export function PersonSelect({
  label,
  value,
  name,
  onChange,
}: {
  label: string;
  /** The person's id; empty for anyone. */
  value: string;
  name: string;
  onChange(id: string, name: string): void;
}) {
  const { t } = useTranslation("parts");
  const [q, setQ] = useState("");
  const people = usePeople(q === name ? "" : q).data?.items ?? [];
  const known = new Map(people.map((one) => [one.id, one.name]));
  if (value) known.set(value, name || (known.get(value) ?? ""));
  return (
    <Select
      size="sm"
      label={label}
      placeholder={t("anyone")}
      data={[...known].map(([id, label]) => ({ value: id, label }))}
      searchable
      clearable
      clearButtonProps={{ "aria-label": `${t("anyone")}: ${label}` }}
      value={value || null}
      onSearchChange={setQ}
      onChange={(id) => onChange(id ?? "", id ? (known.get(id) ?? "") : "")}
    />
  );
}
