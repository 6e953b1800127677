import { Button, Group, Text } from "@mantine/core";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { number } from "@/parts/number";
import type { CallView } from "@/phone/call";
import { useOwnExtension } from "@/phone/directory";
import { Answerers } from "@/phone/elsewhere";
import type { Line } from "@/phone/line";
import { useMissed } from "@/phone/missed";
import { notify, unnotify, whenClicked } from "@/phone/notices";
import "@/phone/phone.css";
import { closeOwnLine, openOwnLine, useLine } from "@/phone/store";
import { showInTitle } from "@/phone/title";
import { deafLegs } from "@/phone/unheard";
import "@/phone/words";
import { Face } from "@/shell/Face";
import { useLineState, useLiveEvent } from "@/shell/Live";
import { useMe, useTenant } from "@/shell/me";

/** Keeps the phone of this page registered, whichever page is shown, and tells of calls. */
export function Host() {
  const { t } = useTranslation("phone");
  const { line, view } = useLine();
  const navigate = useNavigate();
  const onPhone = useLocation().pathname.startsWith("/phone");
  useEffect(() => {
    openOwnLine();
    return closeOwnLine;
  }, []);
  useAnswerers(line);
  useUnheard(line, view.calls);
  useNotices();
  const ringing = view.calls.find((call) => call.state === "ringing");
  const rings = ringing ? t("incoming", { name: ringing.name || ringing.number || t("unknown") }) : "";
  const active = view.calls.find((call) => call.state !== "ended");
  const missed = useMissed(useOwnExtension());
  useEffect(() => showInTitle(missed, rings), [missed, rings]);

  const told = (
    <div className="unseen" role="alert">
      {rings}
    </div>
  );
  if (onPhone || !active || !line) return told;
  return (
    <>
      {told}
      <section className="card overCall" aria-label={t("title")}>
        <Face name={active.name} size={38} />
        <div className="grow">
          <Text fw={600} size="sm" truncate>
            {active.name || number(active.number) || t("unknown")}
          </Text>
          <Text size="xs" c="dimmed">
            {t(`state.${active.held ? "held" : active.state}`)}
          </Text>
        </div>
        <Group gap={6} wrap="nowrap">
          {ringing && (
            <Button
              size="xs"
              onClick={() => {
                void line.answer(ringing.id);
                void navigate({ to: "/phone" });
              }}
            >
              {t("answer")}
            </Button>
          )}
          <Button size="xs" variant="light" onClick={() => void navigate({ to: "/phone" })}>
            {t("goToPhone")}
          </Button>
        </Group>
      </section>
    </>
  );
}

/** Calls that another phone took say whose it was. */
function useAnswerers(line: Line | undefined): void {
  const answerers = useRef(new Answerers());
  const me = useMe().person ?? "";
  const tenant = useTenant();
  const events = useLineState();
  useEffect(() => {
    if (events !== "open") return;
    ask(api.GET("/api/v1/tenants/{tenant}/calls", { params: { path: { tenant } } })).then(
      (calls) => answerers.current.know(calls, me),
      () => undefined, // then only what begins from now on is told
    );
  }, [events, tenant, me]);
  useLiveEvent((event) => {
    const name = answerers.current.hear(event, me);
    if (name !== null) line?.answeredBy(name);
  });
}

const PAUSE_MS = 150;
const BEFORE_MS = 2_000;

/** Says of whom nothing is heard. It is asked for when somebody falls silent, and of a call in which that is so with
 * everything that happens; besides when this page steps into a call that had begun before. */
function useUnheard(line: Line | undefined, calls: CallView[]): void {
  const tenant = useTenant();
  const silent = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const look = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(async () => {
      if (!line?.isTalking) return;
      const path = { tenant };
      const found = await ask(api.GET("/api/v1/tenants/{tenant}/calls", { params: { path } })).catch(
        () => [],
      );
      silent.current = line.miss(deafLegs(found));
    }, PAUSE_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useLiveEvent(({ type, data }) => {
    if (type === "leg.fell_silent" || silent.current.has(String(data.call))) look();
  });
  const old = calls.filter((call) => call.since !== null && Date.now() - call.since > BEFORE_MS);
  const stepped = old.map((call) => call.id).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each
  useEffect(() => {
    if (stepped) look();
  }, [stepped]);
}

/** While nobody looks at the page, the browser tells of calls, and answers them with a click. */
function useNotices(): void {
  const { t } = useTranslation("phone");
  const { line, view } = useLine();
  const navigate = useNavigate();
  const ringing = view.calls.filter((call) => call.state === "ringing");
  const ids = ringing.map((call) => call.id).join();
  const latest = useRef(ringing);
  latest.current = ringing;
  useEffect(() => {
    const words = { answer: t("answer"), decline: t("decline") };
    const tell = () => {
      if (!document.hidden) return;
      for (const call of latest.current) {
        const title = t("incoming", { name: call.name || call.number || t("unknown") });
        void notify(call, { title, ...words });
      }
    };
    void unnotify(ids.split(","));
    tell();
    if (ids === "") return;
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [ids, t]);
  useEffect(
    () =>
      whenClicked((id, what) => {
        const call = line?.find(id);
        if (!call) return;
        if (what === "answer") void line?.answer(id);
        if (what === "decline") call.hangUp();
        else void navigate({ to: "/phone" });
      }),
    [line, navigate],
  );
}
