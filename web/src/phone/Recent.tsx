import { IconArrowDownLeft, IconArrowUpRight, IconHistory, IconPhone, IconPhoneX } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { lazy, Suspense, useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Logged, useCallLog } from "@/history/data";
import { shortTime } from "@/parts/days";
import { InSight } from "@/parts/InSight";
import { number as shown } from "@/parts/number";
import { place } from "@/parts/place";
import { useSeeing } from "@/phone/missed";
import { clock } from "@/phone/Since";
import { Awaited, Empty, More } from "@/shell/Messages";
import { useMe } from "@/shell/me";

const AT_ONCE = 30;

/** Why nobody talked in a call that one made, where it is not that nobody answered. */
const IN_VAIN: Partial<Record<Logged["disposition"], "reason.busy" | "reason.failed">> = {
  busy: "reason.busy",
  refused: "reason.failed",
  unavailable: "reason.failed",
  failed: "reason.failed",
};

/** Somebody or something took such a call, however short it was. */
const TAKEN: ReadonlySet<Logged["disposition"]> = new Set(["answered", "service", "voicemail"]);

/** What happened in a call is asked for now and then: its code comes with the first question. */
const Story = lazy(async () => ({ default: (await import("@/live/Story")).Story }));

interface Props {
  own: string;
  /** How many were missed that nobody has looked at. */
  missed: number;
  onCall(number: string, name: string): void;
}

/** Whom one talked to, who called, and a way to call again. */
export function Recent({ own, missed, onCall }: Props) {
  const { t, i18n } = useTranslation("phone");
  const language = i18n.language;
  useSeeing(missed);
  const list = useCallLog({ person: useMe().person ?? "" }, AT_ONCE);
  const [told, setTold] = useState<Logged | null>(null);
  const calling = useRef(onCall);
  calling.current = onCall;
  const row = useCallback(
    (call: Logged) => (
      <RecentRow
        call={call}
        own={own}
        t={t}
        language={language}
        onCall={(...whom) => calling.current(...whom)}
        onOpen={setTold}
      />
    ),
    [own, t, language],
  );
  if (!list.data) return <Awaited query={list} />;
  const calls = list.data.pages.flatMap((page) => page.items);
  if (calls.length === 0) {
    return (
      <Empty
        icon={<IconHistory size={42} stroke={1.2} />}
        title={t("recentEmpty")}
        text={t("recentEmptyText")}
      />
    );
  }
  return (
    <>
      <InSight className="rows recent" items={calls} keyOf={(one) => one.id}>
        {row}
      </InSight>
      <More {...list} />
      {told && (
        <Suspense>
          <Story
            call={told.id}
            title={told.caller_name || told.caller || t("unknown")}
            lead={[told.caller, told.dialled].filter(Boolean).join(" → ")}
            onClose={() => setTold(null)}
          />
        </Suspense>
      )}
    </>
  );
}

function RecentRow({
  call,
  own,
  t,
  language,
  onCall,
  onOpen,
}: {
  call: Logged;
  own: string;
  t: TFunction<"phone">;
  language: string;
  onCall(number: string, name: string): void;
  onOpen(call: Logged): void;
}) {
  const made = call.caller === own;
  const number = made ? call.dialled : call.caller;
  const name = made ? place(call.path[0] ?? "") : call.caller_name;
  const missed = !made && call.missed;
  const Icon = missed ? IconPhoneX : made ? IconArrowUpRight : IconArrowDownLeft;
  const at = shortTime(new Date(call.started), new Date(), language);
  const why = (made && IN_VAIN[call.disposition]) || "unanswered";
  const taken = call.seconds > 0 || TAKEN.has(call.disposition);
  const length = missed ? t("missed") : taken ? clock(call.seconds) : t(why);
  return (
    <div className="recentCall" data-missed={missed}>
      <button
        type="button"
        className="recentOpen plain"
        title={t("whatHappened")}
        onClick={() => onOpen(call)}
      >
        <span className="way">
          <Icon size={19} stroke={1.8} />
        </span>
        <span className="grow">
          <span className="recentName">{name || shown(number) || t("unknown")}</span>
          <span className="recentWhen numbers">
            {[name !== number && name && shown(number), at, length].filter(Boolean).join(" · ")}
          </span>
        </span>
      </button>
      {number && (
        <button
          type="button"
          className="plain round"
          aria-label={t("callNumber", { number: name || shown(number) })}
          onClick={() => onCall(number, name)}
        >
          <IconPhone size={19} stroke={1.7} />
        </button>
      )}
    </div>
  );
}
