import { Group, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import type { Menu } from "@/company/data";
import { useRefresh, useSettings } from "@/parts/data";
import { dayAndTime } from "@/parts/days";
import { Listen } from "@/parts/Listen";
import { Section } from "@/parts/parts";
import { type Chosen, SoundChooser } from "@/parts/SoundChooser";
import { uploadPrompt } from "@/parts/sound";
import { useTenant } from "@/shell/me";

/** The company's greeting: typed, spoken or uploaded, and listened to before callers hear it. */
export function Greeting({ menu }: { menu: Menu }) {
  const { t, i18n } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const language = useSettings().data?.language ?? "en";
  const kept = menu.greeting?.prompt;
  const use = async (chosen: Chosen) => {
    const named = () => t("greeting.promptName", { when: dayAndTime(new Date(), i18n.language) });
    const greeting =
      "text" in chosen ? chosen : { prompt: (await uploadPrompt(tenant, named(), chosen.sound)).id };
    await ask(
      api.PATCH("/api/v1/tenants/{tenant}/menus/{menu}", {
        params: { path: { tenant, menu: menu.id } },
        body: { greeting } as Schemas["MenuChanges"],
      }),
    );
    await refresh("menu", "prompt");
  };
  return (
    <Section title={t("greeting.title")} lead={t("greeting.lead")}>
      <Stack gap="md">
        {kept && (
          <Group gap="sm">
            <Listen small sound={() => `/api/v1/tenants/${tenant}/prompts/${kept}/sound`} />
            <Text size="sm">{t("greeting.own")}</Text>
          </Group>
        )}
        <SoundChooser
          text={menu.greeting?.text ?? ""}
          label={t("greeting.text")}
          help={t("greeting.textHelp")}
          language={language}
          use={t("greeting.use")}
          onUse={use}
        />
      </Stack>
    </Section>
  );
}
