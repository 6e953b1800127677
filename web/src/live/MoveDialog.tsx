import { Modal, ScrollArea, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconDialpad, IconParking, IconRecordMail, IconUser, IconUsersGroup } from "@tabler/icons-react";
import { type ReactNode, useDeferredValue, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Call } from "@/api/client";
import type { Acts } from "@/live/acts";
import { nameOf, PARKING, type Target, useDepartments } from "@/live/calls";
import { usePeople } from "@/phone/directory";

interface Choice extends Target {
  key: string;
  icon: ReactNode;
  hint: string;
}

/** Where a call shall go, by keyboard or finger: type, choose, done. */
export function MoveDialog({ call, acts, onClose }: { call: Call; acts: Acts; onClose(): void }) {
  const { t } = useTranslation("live");
  const [q, setQ] = useState("");
  const asked = useDeferredValue(q.trim());
  const { choices, found } = useChoices(asked);
  const [at, setAt] = useState("");
  const here = Math.max(
    0,
    choices.findIndex((choice) => choice.key === at),
  );
  const choose = (choice: Choice) => {
    acts.move(call, { to: choice.to, voicemail: choice.voicemail, label: choice.label });
    onClose();
  };
  // who types quickly means what will be found, and not what was there before
  const [entered, setEntered] = useState(false);
  useEffect(() => {
    if (!entered || !found || asked !== q.trim()) return;
    setEntered(false);
    const choice = choices[here];
    if (choice !== undefined) choose(choice);
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("moveTitle", { who: nameOf(call.caller, t("withheld")) })}
      radius="lg"
      closeButtonProps={{ "aria-label": t("shell:close") }}
    >
      <TextInput
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls="live-choices"
        aria-activedescendant={`live-choice-${here}`}
        aria-label={t("moveFind")}
        placeholder={t("moveFind")}
        value={q}
        onChange={(event) => {
          setQ(event.currentTarget.value);
          setAt("");
          setEntered(false);
        }}
        onKeyDown={(event) => {
          const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
          if (step) setAt(choices[(here + step + choices.length) % choices.length]?.key ?? "");
          if (step) event.preventDefault();
          if (event.key === "Enter") setEntered(true);
        }}
      />
      <ScrollArea.Autosize mah={340} mt="xs" type="auto">
        <div role="listbox" id="live-choices" aria-label={t("targets")}>
          {choices.map((choice, place) => (
            <UnstyledButton
              key={choice.key}
              id={`live-choice-${place}`}
              role="option"
              tabIndex={-1}
              aria-selected={place === here}
              className="live-choice"
              onClick={() => choose(choice)}
              onMouseEnter={() => setAt(choice.key)}
            >
              {choice.icon}
              <Text component="span" size="sm" truncate className="live-who">
                {choice.label}
              </Text>
              <Text component="span" size="xs" className="quiet numbers">
                {choice.hint}
              </Text>
            </UnstyledButton>
          ))}
        </div>
      </ScrollArea.Autosize>
    </Modal>
  );
}

/** What fits; not `found` while the people are still those who fitted what was typed before. */
function useChoices(q: string): { choices: Choice[]; found: boolean } {
  const { t } = useTranslation("live");
  const asked = usePeople(q);
  const people = (asked.data?.items ?? []).filter((one) => one.extension);
  const departments = useDepartments().data?.items ?? [];
  const fits = (text: string) => text.toLowerCase().includes(q.toLowerCase());
  const icon = { size: 19, stroke: 1.6, "aria-hidden": true };
  const choices: Choice[] = [];
  if (/^[+*#0-9]{1,32}$/.test(q))
    choices.push({
      key: "dial",
      to: q,
      label: t("dial", { to: q }),
      hint: "",
      icon: <IconDialpad {...icon} />,
    });
  for (const { id, name, extension } of people)
    if (extension)
      choices.push({ key: id, to: extension, label: name, hint: extension, icon: <IconUser {...icon} /> });
  for (const { id, name, extension } of departments)
    if (extension && fits(name))
      choices.push({
        key: id,
        to: extension,
        label: name,
        hint: extension,
        icon: <IconUsersGroup {...icon} />,
      });
  for (const { id, name } of [...people, ...departments.filter((one) => fits(one.name))]) {
    const label = t("voicemailOf", { name });
    choices.push({ key: `box ${id}`, voicemail: id, label, hint: "", icon: <IconRecordMail {...icon} /> });
  }
  for (const slot of PARKING) {
    const label = t("place", { slot });
    if (!q || fits(label))
      choices.push({ key: slot, to: slot, label, hint: t("parking"), icon: <IconParking {...icon} /> });
  }
  return { choices, found: !asked.isPending && !asked.isPlaceholderData };
}
