import "@/live/words";
import "@/live/live.css";
import { Text, Title } from "@mantine/core";
import { IconPhone } from "@tabler/icons-react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Call } from "@/api/client";
import { useActs } from "@/live/acts";
import { CallCard } from "@/live/CallCard";
import { GROUPS, groupOf, nameOf, type Target, useCalls } from "@/live/calls";
import { useDragging } from "@/live/dragging";
import { MoveDialog } from "@/live/MoveDialog";
import { Story } from "@/live/Story";
import { Targets } from "@/live/Targets";
import { number } from "@/parts/number";
import { Awaited, Empty } from "@/shell/Messages";

const SHOWN_MS = 6000;

/** Every call of the company as it changes, and what can be done to it. */
export function Page() {
  const { t } = useTranslation("live");
  const list = useCalls();
  const calls = list.data;
  const [said, setSaid] = useState("");
  const [dragging, setDragging] = useDragging();
  const [moved, setMoved] = useState<Call | null>(null);
  const [menu, setMenu] = useState("");
  const [told, setTold] = useState<Call | null>(null);
  const acts = useActs(useCallback((words: string) => setSaid(words), []));

  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);

  const drop = (id: string, target: Target) => {
    const call = calls?.find((one) => one.id === id);
    setDragging(false);
    if (call) acts.move(call, target);
  };
  return (
    <div className="page live">
      <header className="live-head">
        <Title order={1} size="h2">
          {t("title")}
        </Title>
        <Text className="quiet numbers">
          {calls && calls.length > 0 && t("count", { count: calls.length })}
        </Text>
      </header>
      {!calls && <Awaited query={list} />}
      {calls && (
        <div className="live-body">
          {calls.length === 0 ? (
            <div className="card live-none">
              <Empty icon={<IconPhone size={34} stroke={1.4} />} title={t("none")} text={t("noneText")} />
            </div>
          ) : (
            <div className="live-groups">
              {GROUPS.map((group) => (
                <Together key={group} group={group} calls={calls.filter((call) => groupOf(call) === group)}>
                  {(call) => (
                    <CallCard
                      key={call.id}
                      call={call}
                      acts={acts}
                      open={menu === call.id}
                      onOpen={(open) => setMenu(open ? call.id : "")}
                      onDetails={setTold}
                      onMove={setMoved}
                      onDrag={setDragging}
                    />
                  )}
                </Together>
              ))}
            </div>
          )}
          <Targets calls={calls} dragging={dragging} onDrop={drop} />
        </div>
      )}
      <output className="live-said" data-shown={said !== ""}>
        {said}
      </output>
      {moved && <MoveDialog call={moved} acts={acts} onClose={() => setMoved(null)} />}
      {told && (
        <Story
          call={told.id}
          title={nameOf(told.caller, t("withheld"))}
          lead={[told.caller.name && number(told.caller.number), t("dialled", { to: number(told.dialled) })]
            .filter(Boolean)
            .join(" · ")}
          over={!calls?.some((call) => call.id === told.id)}
          onClose={() => setTold(null)}
        />
      )}
    </div>
  );
}

/** The calls of a group: what they have in common, and each. */
function Together({
  group,
  calls,
  children,
}: {
  group: string;
  calls: Call[];
  children(call: Call): ReactNode;
}) {
  const { t } = useTranslation("live");
  return (
    <section className="live-group" data-group={group} data-empty={calls.length === 0}>
      <h2>
        {t(`groups.${group}`)}
        <span className="numbers">{calls.length}</span>
      </h2>
      <Text size="xs" className="quiet" mb={8}>
        {t(`groupNote.${group}`)}
      </Text>
      <ul>{calls.map(children)}</ul>
    </section>
  );
}
