import { ActionIcon, UnstyledButton } from "@mantine/core";
import {
  IconArrowDownLeft,
  IconArrowsLeftRight,
  IconArrowUpRight,
  IconPhone,
  IconPhoneX,
} from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Logged } from "@/history/data";
import { clock } from "@/live/Since";
import { timeOfDay } from "@/parts/days";
import { number } from "@/parts/number";
import { useLine } from "@/phone/store";

const ICONS = { in: IconArrowDownLeft, out: IconArrowUpRight, internal: IconArrowsLeftRight };

/** A call that has ended: who, with whom, how it went. Opening it tells the rest. */
export function Row({ call, onOpen }: { call: Logged; onOpen(call: Logged): void }) {
  const { t, i18n } = useTranslation("history");
  const navigate = useNavigate();
  const { line } = useLine();
  const caller = call.caller_name || number(call.caller) || t("withheld");
  const reached = call.path.at(-1) || number(call.answered_by || call.dialled);
  const way = call.path.slice(0, -1).join(" › ");
  const missed = call.missed && call.direction !== "out";
  const Icon = missed ? IconPhoneX : ICONS[call.direction];
  // from outside one calls back; else whom was called once more
  const [back, backName] = call.direction === "in" ? [call.caller, caller] : [call.dialled, reached];
  return (
    <div className="history-row" data-missed={missed}>
      <UnstyledButton className="history-open" onClick={() => onOpen(call)} title={t("what")}>
        <span className="history-way" aria-hidden>
          <Icon size={19} stroke={1.8} />
        </span>
        <span className="history-who">
          <span className="history-line history-bold">{caller}</span>
          <span className="history-line history-small quiet numbers">
            {call.caller_name ? number(call.caller) : t(`directions.${call.direction}`)}
          </span>
        </span>
        <span className="history-whom">
          <span className="history-line">{reached}</span>
          <span className="history-line history-small quiet numbers">
            {[way, number(call.answered_by || call.dialled)].filter(Boolean).join(" · ")}
          </span>
        </span>
        <span className="history-result">
          <span className="history-line history-disposition">{t(`dispositions.${call.disposition}`)}</span>
          <span className="history-line history-small quiet numbers">
            {[timeOfDay(new Date(call.started), i18n.language), call.seconds > 0 && clock(call.seconds)]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </span>
      </UnstyledButton>
      <ActionIcon
        variant="subtle"
        size={40}
        radius="xl"
        aria-label={t("call", { who: backName })}
        disabled={!line || !back}
        onClick={() => {
          void line?.call(back, backName);
          void navigate({ to: "/phone" });
        }}
      >
        <IconPhone size={19} stroke={1.7} />
      </ActionIcon>
    </div>
  );
}
