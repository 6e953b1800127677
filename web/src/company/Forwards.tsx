import "@/settings/words";
import { Button, Group, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Person } from "@/api/client";
import { Trouble } from "@/parts/parts";
import { CASES, useNames, usePrefer, usePreferences } from "@/settings/data";

/** Where somebody's calls go in place of his phones; nothing when that is nowhere. */
export function Forwards({ person }: { person: Person }) {
  const { t } = useTranslation("company");
  const { data } = usePreferences(person.id);
  const prefer = usePrefer(person.id);
  const set = data ? CASES.filter((one) => data[one] !== "") : [];
  const names = useNames(set.map((one) => data?.[one] ?? ""));
  if (!data || set.length === 0) return null;
  return (
    <section aria-label={t("people.forwards")}>
      <Text fw={600} size="sm" mb={6}>
        {t("people.forwards")}
      </Text>
      <Stack gap={6}>
        {set.map((one) => {
          const to = names.has(data[one]) ? `${names.get(data[one])} (${data[one]})` : data[one];
          return (
            <Group key={one} gap="sm" wrap="nowrap" justify="space-between">
              <Text size="sm">{t(`people.forwarded.${one}`, { to })}</Text>
              <Button
                size="xs"
                variant="default"
                aria-label={`${t("settings:diverted.off")}: ${t(`people.forwarded.${one}`, { to })}`}
                loading={prefer.isPending && prefer.variables[one] === ""}
                onClick={() => prefer.mutate({ [one]: "" })}
              >
                {t("settings:diverted.off")}
              </Button>
            </Group>
          );
        })}
        <Trouble error={prefer.error} />
      </Stack>
    </section>
  );
}
