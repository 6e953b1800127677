import { Badge, Progress as Bar, Button, CloseButton, Group, Text } from "@mantine/core";
import { IconArrowRight, IconRefresh, IconRoute } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { national, type OutsideAccount, type OutsideCompany } from "@/outside/account";
import { beIn } from "@/outside/speaking";
import { begun, keepProgress, type Progress, readProgress } from "@/tour/progress";
import { after, type Seen, STEPS, type StepName, TABLE } from "@/tour/steps";
import "@/tour/tour.css";
import { useSeen } from "@/tour/useSeen";
import "@/tour/words";

/** How long what a step goes on from may be missing: a call that is passed on is nowhere for a moment. */
const MISSING_MS = 4_000;
const LOOK_MS = 300;

interface Props {
  account: OutsideAccount;
  company: OutsideCompany;
  /** Whether only one half is in sight. */
  narrow: boolean;
}

/** Leads through the five minutes: what to do next, until it was seen to happen. */
export function Tour({ account, company, narrow }: Props) {
  const { t } = useTranslation("tour");
  const [progress, setProgress] = useState(readProgress);
  const seen = useSeen(company, progress);
  useEffect(() => keepProgress(progress), [progress]);
  useBefore(seen, progress, setProgress);
  const on = progress.state === "on";
  const step = TABLE[progress.step];
  const go = (to: StepName | null) =>
    setProgress(to === null ? { ...progress, state: "done" } : begun(to, Date.now()));

  const done = on && step.done(seen);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each step
  useEffect(() => {
    if (done) go(after(progress.step));
  }, [done, progress.step]);

  const missing = on && !done && step.needs?.(seen) === false;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each step
  useEffect(() => {
    if (!missing || step.back === undefined) return;
    const timer = setTimeout(() => go(step.back ?? null), step.patience ?? MISSING_MS);
    return () => clearTimeout(timer);
  }, [missing, progress.step]);

  useEffect(() => {
    if (on && narrow) beIn(step.half);
  }, [on, narrow, step.half]);
  usePointer(
    on ? `.split-half.${step.half === "own" ? "company" : "outside"}` : "",
    on ? step.press(seen) : "",
  );

  const number = STEPS.indexOf(progress.step) + 1;
  const words = {
    company: company.name,
    number: national(account.number),
    pin: company.conference_pin ?? "",
    conference: national(company.conference),
  };
  if (progress.state === "left") {
    return (
      <div className="tour left">
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconRoute size={16} stroke={1.8} />}
          onClick={() => setProgress({ ...progress, state: progress.before.at > 0 ? "on" : "invited" })}
        >
          {progress.before.at > 0 ? t("resume", { number, of: STEPS.length }) : t("tour")}
        </Button>
      </div>
    );
  }
  const closes = (
    <CloseButton
      aria-label={t("leave")}
      title={t("leave")}
      onClick={() => setProgress({ ...progress, state: "left" })}
    />
  );
  if (progress.state === "invited") {
    return (
      <section className="tour" aria-label={t("tour")}>
        <div className="tour-said">
          <Text fw={640}>{t("welcome.title", words)}</Text>
          <Text size="sm" className="tour-text">
            {t("welcome.text", words)}
          </Text>
        </div>
        <Button size="sm" rightSection={<IconArrowRight size={17} />} onClick={() => go(STEPS[0])}>
          {t("welcome.start")}
        </Button>
        {closes}
      </section>
    );
  }
  if (progress.state === "done") {
    return (
      <section className="tour" aria-label={t("tour")}>
        <div className="tour-said" role="status">
          <Text fw={640}>{t("end.title")}</Text>
          <Text size="sm" className="tour-text">
            {t("end.text", words)}
          </Text>
        </div>
        <Button
          size="sm"
          variant="light"
          leftSection={<IconRefresh size={17} />}
          onClick={() => go(STEPS[0])}
        >
          {t("end.again")}
        </Button>
        {closes}
      </section>
    );
  }
  return (
    <section className="tour" aria-label={t("tour")} data-step={progress.step}>
      <div className="tour-said" role="status" key={progress.step}>
        <Group gap={8} wrap="nowrap">
          <Badge variant="light" radius="sm" tt="none" className="tour-half" data-half={step.half}>
            {step.half === "own" ? company.name : t("outside")}
          </Badge>
          <Text fw={640} lh={1.35}>
            {t(`steps.${progress.step}.title`, words)}
          </Text>
        </Group>
        <Text size="sm" className="tour-text">
          {t(`steps.${progress.step}.text`, words)}
        </Text>
      </div>
      <div className="tour-acts">
        <Text size="xs" className="numbers tour-text" ta="right">
          {t("step", { number, of: STEPS.length })}
        </Text>
        <Bar
          size={4}
          w={96}
          value={((number - 1) / STEPS.length) * 100}
          aria-label={t("step", { number, of: STEPS.length })}
        />
      </div>
      <Button size="compact-sm" variant="subtle" onClick={() => go(after(progress.step))}>
        {t("skip")}
      </Button>
      {closes}
    </section>
  );
}

/** Keeps what was there when a step began, as soon as that is known. */
function useBefore(seen: Seen, progress: Progress, set: (next: Progress) => void): void {
  const { before } = progress;
  const messages = before.messages ?? seen.messages;
  const greeting = before.greeting ?? seen.greeting;
  useEffect(() => {
    if (progress.state !== "on") return;
    if (messages === before.messages && greeting === before.greeting) return;
    set({ ...progress, before: { ...before, messages, greeting } });
  }, [messages, greeting, before, progress, set]);
}

/** Puts a ring around what is to be pressed next, which may come and go. */
function usePointer(half: string, selector: string): void {
  useEffect(() => {
    if (!selector) return;
    let marked: Element | null = null;
    const look = () => {
      const found = selector
        .split(", ")
        .map((one) => document.querySelector(`${half} ${one}`))
        .find((one) => one?.checkVisibility());
      if (found === marked) return;
      marked?.removeAttribute("data-tour-here");
      marked = found ?? null;
      marked?.setAttribute("data-tour-here", "");
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => {
      clearInterval(timer);
      marked?.removeAttribute("data-tour-here");
    };
  }, [half, selector]);
}
