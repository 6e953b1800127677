import { ActionIcon, Text, UnstyledButton } from "@mantine/core";
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
import { number } from "@/live/calls";
import { clock } from "@/live/Since";
import { useLine } from "@/phone/store";

const ICONS = { in: IconArrowDownLeft, out: IconArrowUpRight, internal: IconArrowsLeftRight };

/** A call that has ended: who, with whom, how it went. Opening it tells the rest. */
export function Row({ call, onOpen }: { call: Logged; onOpen(call: Logged): void }) {
  const { t, i18n } = useTranslation("history");
  const navigate = useNavigate();
  const { line } = useLine();
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "short" });
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
          <Text component="span" size="sm" fw={580} truncate>
            {caller}
          </Text>
          <Text component="span" size="xs" className="quiet numbers" truncate>
            {call.caller_name ? number(call.caller) : t(`directions.${call.direction}`)}
          </Text>
        </span>
        <span className="history-whom">
          <Text component="span" size="sm" truncate>
            {reached}
          </Text>
          <Text component="span" size="xs" className="quiet numbers" truncate>
            {[way, number(call.answered_by || call.dialled)].filter(Boolean).join(" · ")}
          </Text>
        </span>
        <span className="history-result">
          <Text component="span" size="sm" className="history-disposition">
            {t(`dispositions.${call.disposition}`)}
          </Text>
          <Text component="span" size="xs" className="quiet numbers">
            {[time.format(new Date(call.started)), call.seconds > 0 && clock(call.seconds)]
              .filter(Boolean)
              .join(" · ")}
          </Text>
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
