import { ActionIcon, Button, Checkbox, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import type { Menu } from "@/company/data";
import { TargetSelect } from "@/company/TargetSelect";
import { useRefresh } from "@/parts/data";
import { Said, Section, Trouble } from "@/parts/parts";
import { useTenant } from "@/shell/me";

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*"];
const ALLOWED = ["person", "department", "room", "extension", "voicemail", "directory", "repeat", "hang_up"];
type Kind = Schemas["NewTarget"]["kind"];

/** Which key leads where. */
export function MenuKeys({ menu }: { menu: Menu }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const [keys, setKeys] = useState(menu.keys);
  const [otherwise, setOtherwise] = useState(menu.otherwise);
  const [extensions, setExtensions] = useState(menu.extensions);
  const free = DIGITS.filter((digit) => !keys.some((x) => x.key === digit));
  const change = (place: number, changes: Partial<(typeof keys)[number]>) =>
    setKeys(keys.map((x, at) => (at === place ? { ...x, ...changes } : x)));
  const target = (x: { kind: string; id?: string }) => ({ kind: x.kind as Kind, id: x.id ?? "" });
  const saving = useMutation({
    async mutationFn() {
      await ask(
        api.PATCH("/api/v1/tenants/{tenant}/menus/{menu}", {
          params: { path: { tenant, menu: menu.id } },
          body: {
            keys: keys.map((x) => ({ key: x.key, label: x.label || null, to: target(x.to) })),
            otherwise: target(otherwise),
            extensions,
          } as Schemas["MenuChanges"],
        }),
      );
      await refresh("menu");
    },
  });
  return (
    <Section title={t("menu.title")}>
      <Stack gap="sm">
        {keys.length > 0 && (
          <div className="company-key-heads" aria-hidden>
            {(["key", "label", "to"] as const).map((head) => (
              <Text key={head} size="xs" className="quiet">
                {t(`menu.${head}`)}
              </Text>
            ))}
          </div>
        )}
        {keys.map((x, place) => (
          <div className="company-key" key={x.key}>
            <div style={{ gridArea: "key" }}>
              <Select
                aria-label={t("menu.key")}
                data={[x.key, ...free]}
                value={x.key}
                allowDeselect={false}
                onChange={(key) => key && change(place, { key })}
              />
            </div>
            <TextInput
              style={{ gridArea: "label" }}
              size="sm"
              aria-label={t("menu.label")}
              placeholder={t("menu.label")}
              value={x.label ?? ""}
              maxLength={100}
              onChange={(event) => change(place, { label: event.currentTarget.value })}
            />
            <div style={{ gridArea: "to" }}>
              <TargetSelect
                label={t("menu.to")}
                allowed={ALLOWED}
                value={{ kind: x.to.kind, id: x.to.id ?? "", name: x.to.name ?? "" }}
                onChange={(to) =>
                  change(place, { to: { ...to, kind: to.kind as Kind }, label: x.label || to.name })
                }
              />
            </div>
            <ActionIcon
              style={{ gridArea: "remove" }}
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t("menu.removeKey", { key: x.key })}
              onClick={() => setKeys(keys.filter((_, at) => at !== place))}
            >
              <IconTrash size={18} stroke={1.7} />
            </ActionIcon>
          </div>
        ))}
        <Group>
          <Button
            variant="subtle"
            size="sm"
            leftSection={<IconPlus size={16} />}
            disabled={free.length === 0}
            onClick={() =>
              setKeys([
                ...keys,
                { key: free[0] ?? "", label: null, to: { kind: "repeat", id: "", name: "" } },
              ])
            }
          >
            {t("menu.addKey")}
          </Button>
        </Group>
        <div className="company-otherwise">
          <Text size="sm">{t("menu.otherwise")}</Text>
          <TargetSelect
            label={t("menu.otherwise")}
            allowed={ALLOWED}
            value={{ kind: otherwise.kind, id: otherwise.id ?? "", name: otherwise.name ?? "" }}
            onChange={(to) => setOtherwise({ ...to, kind: to.kind as Kind })}
          />
        </div>
        <Checkbox
          label={t("menu.extensions")}
          checked={extensions}
          onChange={(event) => setExtensions(event.currentTarget.checked)}
        />
        <Trouble error={saving.error} />
        <Group>
          <Button loading={saving.isPending} onClick={() => saving.mutate()}>
            {t("menu.save")}
          </Button>
          {saving.isSuccess && <Said>{t("parts:saved")}</Said>}
        </Group>
      </Stack>
    </Section>
  );
}
