import { Alert, Button, Group, Text } from "@mantine/core";
import {
  IconArrowForwardUp,
  IconDialpad,
  IconMicrophone,
  IconMicrophoneOff,
  IconParking,
  IconPhone,
  IconPhoneOff,
  IconPlayerPause,
  IconPlayerPlay,
  IconUserPlus,
  IconUsersGroup,
} from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { number } from "@/parts/number";
import { Control } from "@/phone/Control";
import type { CallView } from "@/phone/call";
import { Keypad } from "@/phone/Keypad";
import type { Line } from "@/phone/line";
import { PassOn } from "@/phone/PassOn";
import { park } from "@/phone/park";
import { Since } from "@/phone/Since";
import { Face } from "@/shell/Face";
import { useTenant } from "@/shell/me";

interface Props {
  line: Line;
  call: CallView;
  /** Other calls that this one can be connected with. */
  others: CallView[];
  onParked(place: string): void;
}

/** Why a call ended, and who took it instead of us. */
function ended(t: TFunction<"phone">, call: CallView): string {
  if (call.reason === "elsewhere" && call.by) return t("answeredBy", { name: call.by });
  return t(`reason.${call.reason ?? "ended"}`);
}

/** A call, and all that can be done with it. */
export function CallCard({ line, call, others, onParked }: Props) {
  const { t } = useTranslation("phone");
  const tenant = useTenant();
  const [keypad, setKeypad] = useState(false);
  const [keys, setKeys] = useState("");
  const [passing, setPassing] = useState<"transfer" | "add" | null>(null);
  const [problem, setProblem] = useState("");
  const name = call.name || number(call.number) || t("unknown");
  const phone = line.find(call.id);
  const state = call.held ? "held" : call.state;
  /** On hold while one talks in another call: all that is done with it now. */
  const aside = call.held && others.some((other) => !other.held);
  const resume = () => line.resume(call.id);
  return (
    <section className={`card call ${call.state}`} aria-label={name}>
      <div className="who">
        <Face name={call.name} size={56} className={call.state === "ringing" ? "pulse" : ""} />
        <div className="grow">
          <Text fw={620} size="xl" truncate>
            {name}
          </Text>
          <Text c="dimmed" size="sm">
            {call.name && <span className="numbers">{number(call.number)} · </span>}
            <span role="status">
              {call.state === "ended" ? ended(t, call) : call.joined ? t("joined") : t(`state.${state}`)}
            </span>
            {call.state === "talking" && call.since !== null && (
              <>
                {" · "}
                <Since at={call.since} />
              </>
            )}
          </Text>
        </div>
        {call.quality && !call.held && !call.unheard && call.state === "talking" && (
          <span className={`quality ${call.quality}`}>{t(`quality.${call.quality}`)}</span>
        )}
      </div>
      {call.unheard && !call.held && call.state === "talking" && (
        <Alert color="yellow" variant="light" role="status">
          {t("unheard", { name })}
        </Alert>
      )}
      {call.waiting && <Alert variant="light">{t("waiting")}</Alert>}
      {problem && (
        <Alert color="red" variant="light">
          {problem}
        </Alert>
      )}
      {call.reason === "transferFailed" && call.state === "talking" && (
        <Alert color="red" variant="light">
          {t("reason.transferFailed")}
        </Alert>
      )}
      {call.state === "ringing" && (
        <Group grow>
          <Button
            color="red"
            variant="light"
            leftSection={<IconPhoneOff size={18} />}
            onClick={() => phone?.hangUp()}
          >
            {t("decline")}
          </Button>
          <Button leftSection={<IconPhone size={18} />} onClick={() => void line.answer(call.id)}>
            {t("answer")}
          </Button>
        </Group>
      )}
      {call.state === "talking" && !aside && (
        <div className="controls">
          <Control
            icon={call.muted ? IconMicrophoneOff : IconMicrophone}
            label={call.muted ? t("unmute") : t("mute")}
            on={call.muted}
            onClick={() => phone?.mute(!call.muted)}
          />
          <Control icon={IconDialpad} label={t("keypad")} on={keypad} onClick={() => setKeypad(!keypad)} />
          <Control
            icon={call.held ? IconPlayerPlay : IconPlayerPause}
            label={call.held ? t("resume") : t("hold")}
            on={call.held}
            onClick={() => (call.held ? resume() : phone?.hold(true))}
          />
          <Control icon={IconArrowForwardUp} label={t("transfer")} onClick={() => setPassing("transfer")} />
          <Control icon={IconUserPlus} label={t("add")} onClick={() => setPassing("add")} />
          <Control
            icon={IconParking}
            label={t("park")}
            onClick={() =>
              phone &&
              park(tenant, phone.callId).then(onParked, (error: Error) =>
                setProblem(error.message || t("parkFailed")),
              )
            }
          />
        </div>
      )}
      {keypad && call.state === "talking" && !aside && (
        <>
          <Text ta="center" className="numbers pressed">
            {keys || " "}
          </Text>
          <Keypad
            onPress={(key) => {
              phone?.press(key);
              setKeys((before) => (before + key).slice(-20));
            }}
          />
        </>
      )}
      {call.state === "talking" && !aside && others.length > 0 && (
        <Group gap="xs">
          {others.map((other) => (
            <Button
              key={other.id}
              variant="light"
              size="sm"
              leftSection={<IconArrowForwardUp size={17} />}
              onClick={() => line.complete(other.id, call.id)}
            >
              {t("complete", { first: other.name || number(other.number), second: name })}
            </Button>
          ))}
          {!call.joined && (
            <Button
              variant="light"
              size="sm"
              leftSection={<IconUsersGroup size={17} />}
              onClick={() => line.join()}
            >
              {t("join")}
            </Button>
          )}
        </Group>
      )}
      {["answering", "talking", "calling"].includes(call.state) && (
        <Group grow className="callEnd">
          {aside && (
            <Button variant="light" leftSection={<IconPlayerPlay size={18} />} onClick={resume}>
              {t("resume")}
            </Button>
          )}
          <Button color="red.9" leftSection={<IconPhoneOff size={18} />} onClick={() => phone?.hangUp()}>
            {t("hangUp")}
          </Button>
        </Group>
      )}
      <PassOn line={line} call={call} name={name} how={passing} onClose={() => setPassing(null)} />
    </section>
  );
}
