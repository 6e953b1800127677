import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

export function Page() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <Title order={1} size="h2">
        {t("nav.company")}
      </Title>
    </div>
  );
}
