import "@/live/words";
import "@/company/words";
import "@/company/company.css";
import { Title } from "@mantine/core";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { Sections } from "@/parts/parts";

const PARTS = {
  welcome: lazy(() => import("@/company/Welcome").then((x) => ({ default: x.Welcome }))),
  people: lazy(() => import("@/company/People").then((x) => ({ default: x.People }))),
  departments: lazy(() => import("@/company/Departments").then((x) => ({ default: x.Departments }))),
  rooms: lazy(() => import("@/company/Rooms").then((x) => ({ default: x.Rooms }))),
  numbers: lazy(() => import("@/company/Numbers").then((x) => ({ default: x.Numbers }))),
  sound: lazy(() => import("@/company/Sound").then((x) => ({ default: x.Sound }))),
  phrases: lazy(() => import("@/company/Phrases").then((x) => ({ default: x.Phrases }))),
  changes: lazy(() => import("@/audit/Log").then((x) => ({ default: x.CompanyLog }))),
};

/** How the company is reached. */
export function Page() {
  const { t } = useTranslation("company");
  return (
    <div className="page company">
      <Title order={1} size="h2" mb="md">
        {t("title")}
      </Title>
      <Sections at="/company" title={t("title")} parts={PARTS} nameOf={(name) => t(`sections.${name}`)} />
    </div>
  );
}
