import { Alert, Badge, Button, Group, Modal, SegmentedControl, Tabs, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";
import { CallCard } from "@/phone/CallCard";
import { useOwnExtension, usePeople } from "@/phone/directory";
import { useMailbox } from "@/phone/mailbox";
import { useMissed } from "@/phone/missed";
import { NotifyHint } from "@/phone/NotifyHint";
import "@/phone/phone.css";
import { Recent } from "@/phone/Recent";
import { takeLine, useLine, useOwnFailure } from "@/phone/store";
import { WhomTo } from "@/phone/WhomTo";
import { wantedNumber, whenLinked } from "@/phone/wanted";
import "@/phone/words";

const Sound = lazy(async () => ({ default: (await import("@/phone/Sound")).Sound }));
const Voicemail = lazy(async () => ({ default: (await import("@/phone/Voicemail")).Voicemail }));

/** Comes after the phone works: it is nothing to wait for. */
const Diverted = lazy(async () => ({ default: (await import("@/settings/Diverted")).Diverted }));

interface Whom {
  number: string;
  name: string;
}

/** One's telephone: whom to call, the calls one has, messages. */
export function Page() {
  const { t } = useTranslation("phone");
  const { line, view } = useLine();
  const [parked, setParked] = useState("");
  const failure = useOwnFailure();
  const [shown, setShown] = useState("people");
  const [tab, setTab] = useState("recent");
  const narrow = useMediaQuery("(max-width: 62em)", false, { getInitialValueInEffect: false });
  const own = useOwnExtension();
  const missed = useMissed(own);
  const news = useMailbox().data?.filter((message) => !message.saved).length ?? 0;
  const call = useCall();
  const dial = (number: string, name: string) => {
    setParked("");
    call({ number, name });
  };
  const away = view.line === "elsewhere" || view.line === "busyElsewhere";
  const talking = view.calls.filter((one) => one.state === "talking");
  const tabs = [
    ["recent", t("recent"), missed],
    ["voicemail", t("voicemail"), news],
    ["sound", t("settings"), 0],
  ] as const;
  const current = narrow ? shown : tab;
  const counted = (label: string, count: number) => (count > 0 ? `${label} (${count})` : label);
  return (
    <div className="page phone">
      <div className="left">
        <header className="lineState">
          <Text component="h1" fw={620} m={0}>
            {t("title")}
          </Text>
          <Text size="sm" c="dimmed" role="status" className={`dot ${view.line}`} hidden={away}>
            {view.line === "ready" || view.line === "connecting" ? t(`line.${view.line}`) : ""}
          </Text>
        </header>
        {(view.line === "lost" || view.line === "refused") && (
          <Alert color="yellow" variant="light" role="alert">
            {t(`line.${view.line}`)}
          </Alert>
        )}
        <Suspense>
          <Diverted />
        </Suspense>
        {away && (
          <Alert variant="light" role="status">
            {t(`line.${view.line}`)}
            {view.line === "elsewhere" && (
              <Button size="sm" mt="xs" display="block" onClick={() => takeLine()}>
                {t("useHere")}
              </Button>
            )}
          </Alert>
        )}
        {view.microphone && (
          <Alert color={view.microphone === "other" ? "yellow" : "red"} variant="light" role="alert">
            {t(`noMicrophone.${view.microphone}`)}
          </Alert>
        )}
        {failure !== null && <Alert color="red">{asProblem(failure).words}</Alert>}
        {parked && (
          <Alert withCloseButton closeButtonLabel={t("close", { ns: "shell" })} onClose={() => setParked("")}>
            {t("parked", { place: parked })}
            <Button size="sm" mt="xs" display="block" onClick={() => dial(parked, t("parkedCall"))}>
              {t("fetchBack")}
            </Button>
          </Alert>
        )}
        {line &&
          view.calls.map((one) => (
            <CallCard
              key={one.id}
              line={line}
              call={one}
              others={talking.filter((other) => other !== one)}
              onParked={setParked}
            />
          ))}
        <NotifyHint calls={view.calls} />
        {narrow && (
          <SegmentedControl
            fullWidth
            value={shown}
            onChange={setShown}
            data={[
              { value: "people", label: t("people") },
              { value: "recent", label: counted(t("recent"), missed) },
              { value: "voicemail", label: counted(t("voicemailShort"), news) },
              { value: "sound", label: t("settings") },
            ]}
          />
        )}
        {(!narrow || shown === "people") && (
          <div className="card pad">
            <WhomTo onChoose={dial} />
          </div>
        )}
      </div>
      {(!narrow || shown !== "people") && (
        <div className="right">
          <div className="card">
            {!narrow && (
              <Tabs value={tab} onChange={(value) => setTab(value ?? "recent")} keepMounted={false}>
                <Tabs.List px="md" pt={6}>
                  {tabs.map(([value, label, count]) => (
                    <Tabs.Tab
                      key={value}
                      value={value}
                      rightSection={count > 0 ? <Badge size="sm">{count}</Badge> : null}
                    >
                      {label}
                    </Tabs.Tab>
                  ))}
                </Tabs.List>
              </Tabs>
            )}
            {current === "recent" && <Recent own={own} missed={missed} onCall={dial} />}
            <Suspense>
              {current === "voicemail" && <Voicemail onCall={dial} />}
              {current === "sound" && <Sound onEcho={() => dial("*43", t("echo"))} />}
            </Suspense>
          </div>
        </div>
      )}
      <Asked onCall={call} />
    </div>
  );
}

/** Call somebody, from this tab: where another one is the phone, this one is from now on. */
function useCall(): (whom: Whom) => void {
  const { line, view } = useLine();
  const [wanted, setWanted] = useState<Whom | null>(null);
  useEffect(() => {
    if (wanted === null || view.line === "connecting" || view.line === "elsewhere") return;
    setWanted(null);
    void line?.call(wanted.number, wanted.name); // there is none where another tab talks, which is said
  }, [line, view.line, wanted]);
  return (whom) => {
    if (view.line === "elsewhere") takeLine();
    setWanted(whom);
  };
}

/** A link wants somebody to be called: it is asked first, so that no page can make calls by itself. */
function Asked({ onCall }: { onCall(whom: Whom): void }) {
  const { t } = useTranslation("phone");
  const navigate = useNavigate();
  const [number, setNumber] = useState(() => wantedNumber(location.href));
  useEffect(() => whenLinked(setNumber), []);
  const found = usePeople("").data?.items.find((one) => one.extension === number);
  const close = () => {
    setNumber("");
    if (location.search) void navigate({ to: "/phone", replace: true });
  };
  return (
    <Modal
      opened={number !== ""}
      onClose={close}
      title={t("linkAsks")}
      centered
      radius="lg"
      closeButtonProps={{ "aria-label": t("close", { ns: "shell" }) }}
    >
      <Text fw={620} size="xl">
        {found?.name ?? number}
      </Text>
      {found && <Text c="dimmed">{number}</Text>}
      <Group grow mt="lg">
        <Button variant="light" onClick={close}>
          {t("cancel", { ns: "shell" })}
        </Button>
        <Button
          data-autofocus
          onClick={() => {
            close();
            onCall({ number, name: found?.name ?? "" });
          }}
        >
          {t("call")}
        </Button>
      </Group>
    </Modal>
  );
}
