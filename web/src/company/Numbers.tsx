import { Badge, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { type NumberOf, useNumbers } from "@/company/data";
import { CallNow } from "@/company/parts";
import { TargetSelect, titled } from "@/company/TargetSelect";
import { useRefresh } from "@/parts/data";
import { number } from "@/parts/number";
import { Hears, Said, Trouble } from "@/parts/parts";
import { Awaited, Empty } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

/** The numbers of the company, and where each leads. */
export function Numbers() {
  const { t } = useTranslation("company");
  const list = useNumbers();
  if (!list.data) return <Awaited query={list} />;
  if (list.data?.items.length === 0) return <Empty title={t("numbers.none")} text={t("numbers.noneText")} />;
  return (
    <Stack>
      {list.data?.items.map((one) => (
        <One key={one.number} one={one} />
      ))}
    </Stack>
  );
}

function One({ one }: { one: NumberOf }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const leading = useMutation({
    mutationFn: (leads_to: Schemas["NumberChanges"]["leads_to"]) =>
      ask(
        api.PATCH("/api/v1/tenants/{tenant}/numbers/{number}", {
          params: { path: { tenant, number: one.number } },
          body: { leads_to },
        }),
      ),
    onSuccess: () => refresh("number", "menu"),
  });
  return (
    <section className="card part-section company-number" aria-label={number(one.number)}>
      <div>
        <Group gap="sm" mb="sm">
          <h2 className="numbers">{number(one.number)}</h2>
          {one.main && (
            <Badge variant="light" tt="none" size="lg">
              {t("numbers.main")}
            </Badge>
          )}
        </Group>
        <Text size="sm" mb={4}>
          {t("numbers.leadsTo")}
        </Text>
        <TargetSelect
          label={t("numbers.leadsTo")}
          allowed={["menu", "department", "person", "room"]}
          value={one.leads_to}
          onChange={({ kind, id }) => leading.mutate({ kind, id } as Schemas["NumberChanges"]["leads_to"])}
        />
        <Trouble error={leading.error} />
        {leading.isSuccess && <Said>{t("parts:saved")}</Said>}
      </div>
      <Hears action={<CallNow to={one.number} name={number(one.number)} />}>
        <Text size="sm">
          {t("hears.number", { number: number(one.number), name: titled(one.leads_to, t) })}
        </Text>
      </Hears>
    </section>
  );
}
