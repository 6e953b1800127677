import { Alert, Badge, SegmentedControl, Tabs, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { CallCard } from "@/phone/CallCard";
import "@/phone/phone.css";
import { asProblem } from "@/api/problem";
import { useOwnExtension } from "@/phone/directory";
import { Recent } from "@/phone/Recent";
import { Sound } from "@/phone/Sound";
import { openOwnLine, useLine } from "@/phone/store";
import { useMailbox, Voicemail } from "@/phone/Voicemail";
import { WhomTo } from "@/phone/WhomTo";
import "@/phone/words";

/** One's telephone: whom to call, the calls one has, messages. */
export function Page() {
  const { t } = useTranslation("phone");
  const { line, view } = useLine();
  const [parked, setParked] = useState("");
  const [problem, setProblem] = useState("");
  const [shown, setShown] = useState("people");
  const [tab, setTab] = useState("recent");
  const narrow = useMediaQuery("(max-width: 62em)", false, { getInitialValueInEffect: false });
  const own = useOwnExtension();
  const news = useMailbox().data?.filter((message) => !message.saved).length ?? 0;
  useEffect(() => {
    openOwnLine().catch((error) => setProblem(asProblem(error).words));
  }, []);
  const call = (number: string, name: string) => {
    setParked("");
    void line?.call(number, name);
  };
  const talking = view.calls.filter((one) => one.state === "talking");
  const tabs = [
    ["recent", t("recent")],
    ["voicemail", t("voicemail")],
    ["sound", t("settings")],
  ] as const;
  const current = narrow ? shown : tab;
  return (
    <div className="page phone">
      <div className="left">
        <header className="lineState">
          <Text component="h1" fw={650} size="xl" m={0}>
            {t("title")}
          </Text>
          <Text size="sm" c="dimmed" role="status" className={`dot ${view.line}`}>
            {view.line === "ready" || view.line === "connecting" ? t(`line.${view.line}`) : ""}
          </Text>
        </header>
        {(view.line === "lost" || view.line === "refused") && (
          <Alert color="yellow" variant="light" role="alert">
            {t(`line.${view.line}`)}
          </Alert>
        )}
        {view.microphone === "refused" && <Alert color="red">{t("microphoneRefused")}</Alert>}
        {problem && <Alert color="red">{problem}</Alert>}
        {parked && (
          <Alert withCloseButton closeButtonLabel={t("close", { ns: "shell" })} onClose={() => setParked("")}>
            {t("parked", { place: parked })}
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
        {narrow && (
          <SegmentedControl
            fullWidth
            value={shown}
            onChange={setShown}
            data={[
              { value: "people", label: t("people") },
              { value: "recent", label: t("recent") },
              { value: "voicemail", label: news > 0 ? `${t("voicemail")} (${news})` : t("voicemail") },
              { value: "sound", label: t("settings") },
            ]}
          />
        )}
        {(!narrow || shown === "people") && (
          <div className="card pad">
            <WhomTo onChoose={call} />
          </div>
        )}
      </div>
      {(!narrow || shown !== "people") && (
        <div className="right">
          <div className="card">
            {!narrow && (
              <Tabs value={tab} onChange={(value) => setTab(value ?? "recent")} keepMounted={false}>
                <Tabs.List px="md" pt={6}>
                  {tabs.map(([value, label]) => (
                    <Tabs.Tab
                      key={value}
                      value={value}
                      rightSection={
                        value === "voicemail" && news > 0 ? <Badge size="sm">{news}</Badge> : null
                      }
                    >
                      {label}
                    </Tabs.Tab>
                  ))}
                </Tabs.List>
              </Tabs>
            )}
            {current === "recent" && <Recent own={own} onCall={call} />}
            {current === "voicemail" && <Voicemail onCall={call} />}
            {current === "sound" && <Sound onEcho={() => call("*43", t("echo"))} />}
          </div>
        </div>
      )}
    </div>
  );
}
