import { SegmentedControl, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { DIRECTIONS, type Filters, SPANS, type Span } from "@/history/filters";
import { PersonSelect } from "@/parts/PersonSelect";

const TYPED_MS = 250;

/** Which calls are shown: by time, person, number, direction, and whether anybody took them. */
export const FilterBar = memo(function FilterBar({
  filters,
  onChange,
}: {
  filters: Filters;
  onChange(changes: Partial<Filters>): void;
}) {
  const { t } = useTranslation("history");
  return (
    <search className="part-filters" aria-label={t("title")}>
      <Select
        size="sm"
        label={t("span")}
        allowDeselect={false}
        data={SPANS.map((value) => ({ value, label: t(`spans.${value}`) }))}
        value={filters.span}
        onChange={(span) => onChange({ span: (span ?? "all") as Span })}
      />
      {filters.span === "own" &&
        (["from", "to"] as const).map((end) => (
          <TextInput
            key={end}
            size="sm"
            type="date"
            label={t(end)}
            value={filters[end]}
            onChange={(event) => onChange({ [end]: event.currentTarget.value })}
          />
        ))}
      <PersonSelect
        label={t("person")}
        value={filters.person}
        name={filters.name}
        onChange={(person, name) => onChange({ person, name })}
      />
      <NumberField value={filters.number} onChange={onChange} />
      <Select
        size="sm"
        label={t("direction")}
        allowDeselect={false}
        data={[
          { value: "", label: t("directions.all") },
          ...DIRECTIONS.map((value) => ({ value, label: t(`directions.${value}`) })),
        ]}
        value={filters.direction}
        onChange={(direction) => onChange({ direction: (direction ?? "") as Filters["direction"] })}
      />
      <SegmentedControl
        className="part-fixed"
        aria-label={t("answered")}
        value={filters.missed ? "missed" : "all"}
        onChange={(value) => onChange({ missed: value === "missed" })}
        data={[
          { value: "all", label: t("everyCall") },
          { value: "missed", label: t("missedOnly") },
        ]}
      />
    </search>
  );
});

/** What is typed is looked for when the fingers rest. */
function NumberField({ value, onChange }: { value: string; onChange(changes: Partial<Filters>): void }) {
  const { t } = useTranslation("history");
  const [typed, setTyped] = useState(value);
  const rest = useDebouncedCallback((number: string) => onChange({ number }), TYPED_MS);
  return (
    <TextInput
      size="sm"
      inputMode="tel"
      label={t("number")}
      placeholder={t("numberHelp")}
      maxLength={40}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        rest(event.currentTarget.value.trim());
      }}
    />
  );
}
