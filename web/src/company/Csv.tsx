import { Button, FileButton, Group, Modal, Progress, ScrollArea, Table, Text, Textarea } from "@mantine/core";
import { IconFileSpreadsheet } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { asProblem } from "@/api/problem";
import { type Line, readPeople } from "@/company/csv";
import { useRefresh } from "@/parts/data";
import { useTenant } from "@/shell/me";

const SHOWN = 100;

/** People out of a CSV file: every line is shown, and what is wrong with it, before any is added. */
export function Csv({ onClose }: { onClose(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const [text, setText] = useState("");
  const [done, setDone] = useState<Map<number, string>>(new Map());
  const [going, setGoing] = useState(false);
  const taken = useQuery({ queryKey: ["person", tenant, "taken"], queryFn: () => allExtensions(tenant) });
  const lines = useMemo(() => readPeople(text, taken.data ?? new Set()), [text, taken.data]);
  const [batch] = useState(() => crypto.randomUUID());
  const open = lines.filter((line) => line.wrong === null && done.get(line.row) === undefined);
  const wrong = lines.filter((line) => line.wrong !== null || Boolean(done.get(line.row)));
  const added = [...done.values()].filter((refusal) => refusal === "").length;

  async function add() {
    setGoing(true);
    const ended = new Map(done);
    for (const line of open) {
      ended.set(line.row, await addOne(tenant, batch, line));
      setDone(new Map(ended));
    }
    setGoing(false);
    await refresh("person");
  }
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      radius="lg"
      title={t("csv.title")}
      closeButtonProps={{ "aria-label": t("shell:close") }}
    >
      <Text size="sm" className="quiet" mb="sm">
        {t("csv.lead")}
      </Text>
      <FileButton
        accept=".csv,text/csv,text/plain"
        onChange={async (file) => {
          if (file === null) return;
          setText(await file.text());
          setDone(new Map());
        }}
      >
        {(props) => (
          <Button variant="light" leftSection={<IconFileSpreadsheet size={18} />} {...props}>
            {t("csv.choose")}
          </Button>
        )}
      </FileButton>
      {done.size === 0 && (
        <Textarea
          mt="sm"
          label={t("csv.paste")}
          placeholder={"name,extension,email\nThu Hà,107,ha@example.com"}
          autosize
          minRows={3}
          maxRows={5}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      {lines.length > 0 && (
        <ScrollArea.Autosize mah={300} mt="md" type="auto">
          <Table stickyHeader verticalSpacing={6}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("csv.row")}</Table.Th>
                <Table.Th>{t("name")}</Table.Th>
                <Table.Th>{t("extension")}</Table.Th>
                <Table.Th visibleFrom="sm">{t("people.email")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {[...wrong, ...lines.filter((line) => !wrong.includes(line))].slice(0, SHOWN).map((line) => {
                const why = line.wrong ? t(`csv.${line.wrong}`) : done.get(line.row);
                return (
                  <Table.Tr key={line.row} data-wrong={Boolean(why)} className="company-line">
                    <Table.Td className="numbers">{line.row}</Table.Td>
                    <Table.Td>
                      {line.name || "—"}
                      <Text size="xs" className="quiet company-line-email" hiddenFrom="sm">
                        {line.email}
                      </Text>
                      {why && <div className="company-wrong">{why}</div>}
                    </Table.Td>
                    <Table.Td className="numbers">{line.extension}</Table.Td>
                    <Table.Td visibleFrom="sm">{line.email}</Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
      {going && (
        <Progress mt="md" value={(100 * done.size) / (done.size + open.length)} aria-label={t("csv.go")} />
      )}
      <Group justify="space-between" mt="md">
        <Text size="sm" role="status">
          {added > 0 && t("csv.done", { count: added })}{" "}
          {open.length > 0 && !going && t("csv.ready", { count: open.length })}{" "}
          {wrong.length > 0 && t("csv.wrong", { count: wrong.length })}
        </Text>
        {added > 0 && open.length === 0 ? (
          <Button onClick={onClose}>{t("shell:close")}</Button>
        ) : (
          <Button disabled={open.length === 0 || taken.isPending} loading={going} onClick={add}>
            {t("csv.go")}
          </Button>
        )}
      </Group>
    </Modal>
  );
}

/** Empty when the person is there, else why not. */
async function addOne(tenant: string, batch: string, { row, name, extension, email }: Line): Promise<string> {
  try {
    await ask(
      api.POST("/api/v1/tenants/{tenant}/people", {
        params: { path: { tenant }, header: { "Idempotency-Key": `${batch} ${row}` } },
        body: { name, extension: extension || null, email: email || null, role: "employee" },
      }),
    );
    return "";
  } catch (error) {
    return asProblem(error).words;
  }
}

async function allExtensions(tenant: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await ask(
      api.GET("/api/v1/tenants/{tenant}/extensions", {
        params: { path: { tenant }, query: { limit: 200, cursor } },
      }),
    );
    for (const item of page.items) found.add(item.extension);
    cursor = page.next ?? null;
  }
  return found;
}
