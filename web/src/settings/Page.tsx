import "@/settings/words";
import "@/settings/settings.css";
import { Title } from "@mantine/core";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { Sections } from "@/parts/parts";
import { useMe } from "@/shell/me";

const PERSONAL = {
  calls: lazy(() => import("@/settings/Calls").then((x) => ({ default: x.Calls }))),
  voicemail: lazy(() => import("@/settings/Voicemail").then((x) => ({ default: x.Voicemail }))),
  phones: lazy(() => import("@/settings/Phones").then((x) => ({ default: x.Phones }))),
};
const ACCOUNT = { account: lazy(() => import("@/settings/Account").then((x) => ({ default: x.Account }))) };

/** What one settles for oneself; who has no extension has only an account. */
export function Page() {
  const { t } = useTranslation("settings");
  const parts = useMe().person === null ? ACCOUNT : { ...PERSONAL, ...ACCOUNT };
  return (
    <div className="page settings">
      <Title order={1} size="h2" mb="md">
        {t("title")}
      </Title>
      <Sections
        at="/settings"
        title={t("title")}
        parts={parts as typeof PERSONAL & typeof ACCOUNT}
        nameOf={(name) => t(`parts.${name}`)}
      />
    </div>
  );
}
