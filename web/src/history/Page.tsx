import "@/history/words";
import "@/history/history.css";
import { Button, Title } from "@mantine/core";
import { IconDownload, IconPhone } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Logged, useCallLog } from "@/history/data";
import { FilterBar } from "@/history/FilterBar";
import { type Filters, readFilters, shortened, tableUrl, wanted } from "@/history/filters";
import { Row } from "@/history/Row";
import { Story } from "@/live/Story";
import { ByDay } from "@/parts/ByDay";
import { number } from "@/parts/number";
import { useLine } from "@/phone/store";
import { Awaited, Empty, More } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

const AT_ONCE = 50;
const NONE: Logged[] = [];

/** The calls of the company that have ended, and why each went as it did. */
export function Page() {
  const { t, i18n } = useTranslation("history");
  const tenant = useTenant();
  const navigate = useNavigate();
  const search = useSearch({ strict: false });
  const filters = useMemo(() => readFilters(search), [search]);
  const asked = useMemo(() => wanted(filters, new Date()), [filters]);
  const list = useCallLog(asked, AT_ONCE);
  const [told, setTold] = useState<Logged | null>(null);
  const calls = useMemo(() => list.data?.pages.flatMap((page) => page.items), [list.data]);
  const { line } = useLine();
  const call = useCallback(
    (to: string, name: string) => {
      void line?.call(to, name);
      void navigate({ to: "/phone" });
    },
    [line, navigate],
  );
  const language = i18n.language;
  const phone = line !== undefined;
  const row = useCallback(
    (one: Logged) => (
      <Row call={one} t={t} language={language} phone={phone} onOpen={setTold} onCall={call} />
    ),
    [t, language, phone, call],
  );
  const narrowed = Object.keys(shortened(filters)).length > 0;
  const change = useCallback(
    (changes: Partial<Filters>) =>
      void navigate({ to: "/calls", search: shortened({ ...filters, ...changes }) as never, replace: true }),
    [filters, navigate],
  );
  return (
    <div className="page">
      <header className="history-head">
        <Title order={1} size="h2">
          {t("title")}
        </Title>
        <Button
          component="a"
          href={tableUrl(tenant, asked, i18n.language)}
          download
          variant="default"
          size="sm"
          leftSection={<IconDownload size={17} />}
        >
          {t("export")}
        </Button>
      </header>
      <FilterBar filters={filters} onChange={change} />
      {!calls && <Awaited query={list} />}
      {calls?.length === 0 && (
        <Empty
          icon={<IconPhone size={42} stroke={1.2} />}
          title={t(narrowed ? "noneFound" : "none")}
          text={t(narrowed ? "noneFoundText" : "noneText")}
        >
          {narrowed && (
            <Button variant="light" onClick={() => void navigate({ to: "/calls", search: {} as never })}>
              {t("clear")}
            </Button>
          )}
        </Empty>
      )}
      <ByDay items={calls ?? NONE} at={(one) => one.started} keyOf={(one) => one.id}>
        {row}
      </ByDay>
      <More {...list} />
      {told && (
        <Story
          call={told.id}
          title={told.caller_name || number(told.caller) || t("withheld")}
          lead={[told.caller_name && number(told.caller), t("dialled", { to: number(told.dialled) })]
            .filter(Boolean)
            .join(" · ")}
          onClose={() => setTold(null)}
        />
      )}
    </div>
  );
}
