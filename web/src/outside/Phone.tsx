import { ActionIcon, Alert, Button, Group, Text, TextInput, UnstyledButton } from "@mantine/core";
import {
  IconBackspace,
  IconMicrophone,
  IconMicrophoneOff,
  IconPhone,
  IconPhoneOff,
} from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { national, type OutsideAccount } from "@/outside/account";
import { openOutsideLine } from "@/outside/line";
import type { CallView } from "@/phone/call";
import { isNumber, plainNumber } from "@/phone/directory";
import { Keypad } from "@/phone/Keypad";
import type { Line } from "@/phone/line";
import { Since } from "@/phone/Since";
import { takeLine, useLine } from "@/phone/store";
import { Face } from "@/shell/Face";
import "@/phone/words";

interface Contact {
  id: string;
  name: string;
  number: string;
  note: string;
}

/** The telephone of somebody who is no part of any company: calls them, and is called. */
export function Phone({ account }: { account: OutsideAccount }) {
  const { t } = useTranslation("outside");
  const phone = useTranslation("phone").t;
  const { line, view } = useLine("outside");
  const [text, setText] = useState("");
  useEffect(() => openOutsideLine(account), [account]);
  const contacts = account.companies.flatMap<Contact>((one) => {
    const pin = one.conference_pin;
    const room = { id: `${one.main} room`, name: t("room"), number: one.conference };
    return [
      { id: one.main, name: one.name, number: one.main, note: national(one.main) },
      ...(pin ? [{ ...room, note: t("pin", { number: national(one.conference), pin }) }] : []),
    ];
  });
  const nameOf = (number: string) => contacts.find((one) => one.number === number)?.name ?? "";
  const call = (number: string) => void line?.call(number, nameOf(number));
  const dial = (event: FormEvent) => {
    event.preventDefault();
    if (!isNumber(text)) return;
    call(plainNumber(text));
    setText("");
  };
  return (
    <div className="split-phone">
      <p className={`split-line dot ${view.line}`} role="status">
        {t(`line.${view.line}`)}
      </p>
      {view.line === "elsewhere" && (
        <Button variant="light" onClick={() => takeLine("outside")}>
          {phone("useHere")}
        </Button>
      )}
      {view.microphone && <Alert color="red">{phone(`noMicrophone.${view.microphone}`)}</Alert>}
      {view.calls.map(
        (one) => line && <OutsideCall key={one.id} line={line} call={one} name={nameOf(one.number)} />,
      )}
      {!view.calls.some((one) => one.state !== "ended") && (
        <>
          <ul className="rows" aria-label={t("contacts")}>
            {contacts.map((one) => (
              <li key={one.id}>
                <UnstyledButton
                  className="row"
                  data-tour={one.id}
                  aria-label={t("callName", { name: one.name })}
                  onClick={() => call(one.number)}
                >
                  <Face name={one.name} size={40} />
                  <div className="grow">
                    <Text fw={560} truncate>
                      {one.name}
                    </Text>
                    <Text size="sm" c="dimmed" className="numbers">
                      {one.note}
                    </Text>
                  </div>
                  <span className="action">
                    <IconPhone size={18} stroke={1.7} />
                  </span>
                </UnstyledButton>
              </li>
            ))}
          </ul>
          <form className="split-dial" onSubmit={dial}>
            <TextInput
              radius="xl"
              flex={1}
              inputMode="tel"
              autoComplete="off"
              placeholder={t("number")}
              aria-label={t("number")}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              rightSection={
                text && (
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    radius="xl"
                    aria-label={t("erase")}
                    onClick={() => setText(text.slice(0, -1))}
                  >
                    <IconBackspace size={19} stroke={1.7} />
                  </ActionIcon>
                )
              }
            />
            <ActionIcon type="submit" radius="xl" size={42} aria-label={t("call")} disabled={!isNumber(text)}>
              <IconPhone size={19} />
            </ActionIcon>
          </form>
          <Keypad onPress={(key) => setText(text + key)} />
        </>
      )}
    </div>
  );
}

function OutsideCall({ line, call, name }: { line: Line; call: CallView; name: string }) {
  const { t } = useTranslation("outside");
  const phone = useTranslation("phone").t;
  const [keys, setKeys] = useState("");
  const one = line.find(call.id);
  const number = national(call.number);
  const title = name || call.name || number;
  return (
    <section className={`split-call ${call.state}`} aria-label={title}>
      <Face name={name || call.name} size={64} className={call.state === "ringing" ? "pulse" : ""} />
      <Text fw={620} size="xl" ta="center">
        {title}
      </Text>
      <Text c="dimmed" size="sm" role="status" className="numbers">
        {call.state === "ended" ? phone(`reason.${call.reason ?? "ended"}`) : phone(`state.${call.state}`)}
        {call.state === "talking" && call.since !== null && (
          <>
            {" · "}
            <Since at={call.since} />
          </>
        )}
      </Text>
      {call.state === "ringing" && (
        <Group grow w="100%">
          <Button
            color="red"
            variant="light"
            leftSection={<IconPhoneOff size={18} />}
            onClick={() => one?.hangUp()}
          >
            {phone("decline")}
          </Button>
          <Button leftSection={<IconPhone size={18} />} onClick={() => void line.answer(call.id)}>
            {phone("answer")}
          </Button>
        </Group>
      )}
      {call.state === "talking" && (
        <>
          <Text ta="center" c={keys ? undefined : "dimmed"} className="numbers pressed" aria-live="polite">
            {keys || <small>{t("keys")}</small>}
          </Text>
          <Keypad
            onPress={(key) => {
              one?.press(key);
              setKeys((keys + key).slice(-16));
            }}
          />
        </>
      )}
      {["answering", "talking", "calling"].includes(call.state) && (
        <div className="split-end">
          <ActionIcon
            variant={call.muted ? "filled" : "light"}
            color="gray"
            size={54}
            radius="xl"
            aria-label={call.muted ? phone("unmute") : phone("mute")}
            aria-pressed={call.muted}
            onClick={() => one?.mute(!call.muted)}
          >
            {call.muted ? <IconMicrophoneOff size={22} /> : <IconMicrophone size={22} />}
          </ActionIcon>
          <Button
            color="red.9"
            radius="xl"
            size="lg"
            leftSection={<IconPhoneOff size={19} />}
            onClick={() => one?.hangUp()}
          >
            {phone("hangUp")}
          </Button>
        </div>
      )}
    </section>
  );
}
