import { Avatar, Text, TextInput } from "@mantine/core";
import { IconParking, IconRecordMail, IconSearch, IconUsersGroup } from "@tabler/icons-react";
import { type DragEvent, type ReactNode, useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Call } from "@/api/client";
import { PARKING, type Target, useDepartments } from "@/live/calls";
import { usePeople, usePresence } from "@/phone/directory";
import { Awaited } from "@/shell/Messages";

interface Props {
  calls: Call[];
  /** Whether a call is being dragged: then the places where it can be dropped show themselves. */
  dragging: boolean;
  onDrop(call: string, target: Target): void;
}

/** Where calls can be dropped: people, their voicemail, departments, parking places. */
export function Targets({ calls, dragging, onDrop }: Props) {
  const { t } = useTranslation("live");
  const [q, setQ] = useState("");
  const found = usePeople(useDeferredValue(q.trim()));
  const departments = useDepartments();
  const presence = usePresence();
  const parked = new Map(calls.filter((call) => call.state === "parked").map((call) => [call.place, call]));
  const people = (found.data?.items ?? []).filter((person) => person.extension);
  return (
    <aside className="card live-targets" aria-label={t("targets")} data-dragging={dragging}>
      <TextInput
        size="sm"
        leftSection={<IconSearch size={16} />}
        placeholder={t("find")}
        aria-label={t("find")}
        value={q}
        onChange={(event) => setQ(event.currentTarget.value)}
      />
      <section className="live-scroll" aria-label={t("people")}>
        <h2>{t("people")}</h2>
        {!found.data && <Awaited query={found} />}
        {people.map((person) => (
          <div className="live-row" key={person.id}>
            <Drop
              target={{ to: person.extension ?? "", label: person.name }}
              onDrop={onDrop}
              name={`person ${person.extension}`}
            >
              <Avatar name={person.name} color="jade" size={30} />
              <span className="live-who">
                <Text component="span" size="sm" fw={540} truncate>
                  {person.name}
                </Text>
                <Text component="span" size="xs" className="quiet">
                  {t(`shell:presence.${presence.get(person.id) ?? "offline"}`)}
                </Text>
              </span>
              <span className="presence-dot" data-state={presence.get(person.id)} aria-hidden />
              <Text component="span" size="xs" className="quiet numbers">
                {person.extension}
              </Text>
            </Drop>
            <Drop
              target={{ voicemail: person.id, label: t("voicemailOf", { name: person.name }) }}
              onDrop={onDrop}
              name={`voicemail ${person.extension}`}
              small
            >
              <IconRecordMail size={18} stroke={1.6} aria-label={t("voicemailOf", { name: person.name })} />
            </Drop>
          </div>
        ))}
        <h2>{t("departments")}</h2>
        {departments.data?.items.map((department) => (
          <div className="live-row" key={department.id}>
            <Drop
              target={{ to: department.extension ?? "", label: department.name }}
              onDrop={onDrop}
              name={`department ${department.extension}`}
            >
              <IconUsersGroup size={20} stroke={1.6} aria-hidden />
              <Text component="span" size="sm" fw={540} truncate className="live-who">
                {department.name}
              </Text>
              <Text component="span" size="xs" className="quiet numbers">
                {department.extension}
              </Text>
            </Drop>
            <Drop
              target={{ voicemail: department.id, label: t("voicemailOf", { name: department.name }) }}
              onDrop={onDrop}
              name={`voicemail ${department.extension}`}
              small
            >
              <IconRecordMail
                size={18}
                stroke={1.6}
                aria-label={t("voicemailOf", { name: department.name })}
              />
            </Drop>
          </div>
        ))}
      </section>
      <section aria-label={t("parking")}>
        <h2>{t("parking")}</h2>
        <div className="live-parking">
          {PARKING.map((slot) => (
            <Drop
              key={slot}
              target={{ to: slot, label: t("place", { slot }) }}
              onDrop={onDrop}
              name={`parking ${slot}`}
              taken={parked.has(slot)}
            >
              {parked.has(slot) && <IconParking size={14} aria-hidden />}
              <span className="numbers">{slot}</span>
            </Drop>
          ))}
        </div>
      </section>
    </aside>
  );
}

interface DropProps {
  target: Target;
  name: string;
  small?: boolean;
  taken?: boolean;
  children: ReactNode;
  onDrop(call: string, target: Target): void;
}

function Drop({ target, name, small, taken, children, onDrop }: DropProps) {
  const [over, setOver] = useState(false);
  const allow = (event: DragEvent) => {
    if (taken) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    setOver(true);
  };
  return (
    // the same is done by keyboard in the menu of the call
    // biome-ignore lint/a11y/noStaticElementInteractions: a place to drop on
    <div
      className="live-drop"
      data-drop={name}
      data-over={over}
      data-small={small}
      data-taken={taken}
      onDragEnter={allow}
      onDragOver={allow}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onDrop(event.dataTransfer.getData("text/plain"), target);
      }}
    >
      {children}
    </div>
  );
}
