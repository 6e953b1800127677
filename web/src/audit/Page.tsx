import "@/audit/words";
import { Select, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { Log } from "@/audit/Log";

/** For the provider: what was changed that is no company's, or in one of them. */
export function Page() {
  const { t } = useTranslation("audit");
  const [tenant, setTenant] = useState("");
  const tenants = useQuery({
    queryKey: ["tenants"],
    queryFn: () => ask(api.GET("/api/v1/tenants", { params: { query: { limit: 200 } } })),
  });
  return (
    <div className="page">
      <Title order={1} size="h2" mb="md">
        {t("title")}
      </Title>
      <Select
        size="sm"
        mb="md"
        className="audit-whose"
        label={t("of")}
        searchable
        allowDeselect={false}
        data={[
          { value: "", label: t("provider") },
          ...(tenants.data?.items ?? []).map((one) => ({ value: one.id, label: one.name })),
        ]}
        value={tenant}
        onChange={(value) => setTenant(value ?? "")}
      />
      <Log key={tenant} tenant={tenant} />
    </div>
  );
}
