import {
  IconArrowDownLeft,
  IconArrowsLeftRight,
  IconArrowUpRight,
  IconPhone,
  IconPhoneX,
} from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { memo } from "react";
import type { Logged } from "@/history/data";
import { clock } from "@/live/Since";
import { timeOfDay } from "@/parts/days";
import { number } from "@/parts/number";
import { place } from "@/parts/place";

const ICONS = { in: IconArrowDownLeft, out: IconArrowUpRight, internal: IconArrowsLeftRight };

interface Props {
  call: Logged;
  t: TFunction<"history">;
  language: string;
  /** Whether there is a phone to call with. */
  phone: boolean;
  onOpen(call: Logged): void;
  onCall(number: string, name: string): void;
}

/** A call that has ended: who, with whom, how it went. Opening it tells the rest. Long lists are drawn while they are scrolled: plain
 * elements, and hooks are the page's. */
export const Row = memo(function Row({ call, t, language, phone, onOpen, onCall }: Props) {
  const caller = call.caller_name || number(call.caller) || t("withheld");
  const path = call.path.map(place);
  const reached = path.at(-1) || number(call.answered_by || call.dialled);
  const way = path.slice(0, -1).join(" › ");
  const missed = call.missed && call.direction !== "out";
  const Icon = missed ? IconPhoneX : ICONS[call.direction];
  // from outside one calls back; else whom was called once more
  const [back, backName] = call.direction === "in" ? [call.caller, caller] : [call.dialled, reached];
  return (
    <div className="history-row" data-missed={missed}>
      <button type="button" className="history-open plain" onClick={() => onOpen(call)} title={t("what")}>
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
            {[timeOfDay(new Date(call.started), language), call.seconds > 0 && clock(call.seconds)]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </span>
      </button>
      <button
        type="button"
        className="plain round"
        aria-label={t("call", { who: backName })}
        disabled={!phone || !back}
        onClick={() => onCall(back, backName)}
      >
        <IconPhone size={19} stroke={1.7} />
      </button>
    </div>
  );
});
