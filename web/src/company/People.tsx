import { Avatar, Button, Group, TextInput } from "@mantine/core";
import { IconFileImport, IconSearch, IconUserPlus } from "@tabler/icons-react";
import { memo, useDeferredValue, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "@/api/client";
import { Csv } from "@/company/Csv";
import { PersonEditor } from "@/company/PersonEditor";
import { useEverybody, useWindow } from "@/company/rows";
import { usePresence } from "@/phone/directory";
import { Awaited, Empty } from "@/shell/Messages";

const ROW = 58;

/** Everybody, one by one or out of a file. Only the rows in sight are in the page. */
export function People() {
  const { t } = useTranslation("company");
  const [q, setQ] = useState("");
  const [edited, setEdited] = useState<Person | "new" | null>(null);
  const [importing, setImporting] = useState(false);
  const list = useEverybody(useDeferredValue(q.trim()));
  const presence = usePresence();
  const scroller = useRef<HTMLElement>(null);
  const { first, last } = useWindow(scroller, list.people.length, ROW);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    if (last > list.people.length - 60 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [last, list.people.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  return (
    <div className="company-people">
      <Group mb="md" gap="sm">
        <TextInput
          className="company-find"
          leftSection={<IconSearch size={17} />}
          aria-label={t("people.find")}
          placeholder={t("people.find")}
          value={q}
          onChange={(event) => setQ(event.currentTarget.value)}
        />
        <Button
          variant="default"
          leftSection={<IconFileImport size={17} />}
          onClick={() => setImporting(true)}
        >
          {t("people.import")}
        </Button>
        <Button leftSection={<IconUserPlus size={17} />} onClick={() => setEdited("new")}>
          {t("people.add")}
        </Button>
      </Group>
      <section className="card company-list" ref={scroller} aria-label={t("sections.people")}>
        {!list.data && <Awaited query={list} />}
        {list.data && list.people.length === 0 && <Empty title={t("people.none")} />}
        <div className="company-rows" style={{ height: list.people.length * ROW }}>
          {list.people.slice(first, last).map((person, place) => (
            <Row
              key={person.id}
              person={person}
              top={(first + place) * ROW}
              presence={presence.get(person.id)}
              onOpen={setEdited}
            />
          ))}
        </div>
      </section>
      {edited && <PersonEditor person={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      {importing && <Csv onClose={() => setImporting(false)} />}
    </div>
  );
}

const Row = memo(function Row({
  person,
  top,
  presence,
  onOpen,
}: {
  person: Person;
  top: number;
  presence: string | undefined;
  onOpen(person: Person): void;
}) {
  return (
    <button
      type="button"
      className="company-person"
      style={{ top, height: ROW }}
      onClick={() => onOpen(person)}
    >
      <Avatar name={person.name} color="jade" size={36} aria-hidden />
      <span className="company-name">
        <span className="company-bold">{person.name}</span>
        <span className="company-small quiet">{person.email ?? "—"}</span>
      </span>
      <span className="presence-dot" data-state={presence} aria-hidden />
      <span className="numbers company-extension">{person.extension ?? ""}</span>
    </button>
  );
});
