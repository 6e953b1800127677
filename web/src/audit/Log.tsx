import "@/audit/words";
import "@/audit/audit.css";
import { Select, Text } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { actionWords, type Changed, changesOf, type Entry, targetName } from "@/audit/entry";
import { ACTS } from "@/audit/words";
import { ByDay } from "@/parts/ByDay";
import { timeOfDay } from "@/parts/days";
import { PersonSelect } from "@/parts/PersonSelect";
import { Face } from "@/shell/Face";
import { Awaited, Empty, More } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

const PROVIDERS = ["tenant", "trunk", "password", "session", "token"];

/** What was changed in one's own company. */
export function CompanyLog() {
  return <Log tenant={useTenant()} people />;
}

/** Changes of a tenant, or (empty) of what is the provider's own; `people`: one can be chosen. */
export function Log({ tenant, people = false }: { tenant: string; people?: boolean }) {
  const { t } = useTranslation("audit");
  const [kind, setKind] = useState("");
  const [actor, setActor] = useState({ id: "", name: "" });
  const action = kind && `${kind}.`;
  const list = useInfiniteQuery({
    queryKey: ["audit", tenant, action, actor.id],
    queryFn: ({ pageParam }) => {
      const query = { action, actor: actor.id, limit: 50, cursor: pageParam };
      return ask(
        tenant
          ? api.GET("/api/v1/tenants/{tenant}/audit", { params: { path: { tenant }, query } })
          : api.GET("/api/v1/audit", { params: { query } }),
      );
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 0,
  });
  const entries = useMemo(() => list.data?.pages.flatMap((page) => page.items), [list.data]);
  const kinds = Object.keys(ACTS.things).filter((one) => tenant || PROVIDERS.includes(one));
  const narrowed = kind !== "" || actor.id !== "";
  return (
    <>
      <Text size="sm" className="quiet" mb="sm">
        {t("lead")}
      </Text>
      <div className="part-filters audit-filters">
        <Select
          size="sm"
          label={t("kind")}
          allowDeselect={false}
          data={[
            { value: "", label: t("every") },
            ...kinds.map((value) => ({ value, label: capital(t(`things.${value}` as "title")) })),
          ]}
          value={kind}
          onChange={(value) => setKind(value ?? "")}
        />
        {people && (
          <PersonSelect
            label={t("who")}
            value={actor.id}
            name={actor.name}
            onChange={(id, name) => setActor({ id, name })}
          />
        )}
      </div>
      {!entries && <Awaited query={list} />}
      {entries?.length === 0 && (
        <Empty
          icon={<IconHistory size={42} stroke={1.2} />}
          title={t("none")}
          text={t(narrowed ? "noneFound" : "noneText")}
        />
      )}
      <ByDay items={entries ?? NONE} at={(one) => one.at} keyOf={(one) => one.id}>
        {row}
      </ByDay>
      <More {...list} />
    </>
  );
}

const capital = (words: string) => words.charAt(0).toLocaleUpperCase() + words.slice(1);

const NONE: Entry[] = [];
const row = (one: Entry) => <Row entry={one} />;

function Row({ entry }: { entry: Entry }) {
  const { t, i18n } = useTranslation("audit");
  const name = targetName(entry);
  const where = entry.address && t("from", { address: entry.address });
  return (
    <div className="audit-row">
      <Face name={entry.actor_name} size={34} />
      <div className="audit-what">
        <Text size="sm">
          <b>{actionWords(entry.action, t, (key) => i18n.exists(key))}</b> {name}
        </Text>
        <ul className="audit-changes">
          {changesOf(entry, t).map((one) => (
            <ChangedField key={one.field} one={one} />
          ))}
        </ul>
      </div>
      <div className="audit-who">
        <Text size="sm" truncate>
          {entry.actor_name}
        </Text>
        <Text size="xs" className="quiet numbers" truncate>
          {[timeOfDay(new Date(entry.at), i18n.language), where].filter(Boolean).join(" · ")}
        </Text>
      </div>
    </div>
  );
}

function ChangedField({ one: { field, from, to } }: { one: Changed }) {
  const { t, i18n } = useTranslation("audit");
  const label = i18n.exists(`audit:fields.${field}`) ? t(`fields.${field}` as "title") : field;
  return (
    <li>
      <span className="quiet">{label}</span> {from && <del>{from}</del>} {from && to && "→"} {to}
    </li>
  );
}
