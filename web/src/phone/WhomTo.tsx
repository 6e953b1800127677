import { ActionIcon, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconDialpad, IconPhone, IconSearch } from "@tabler/icons-react";
import { memo, type ReactNode, useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "@/api/client";
import { isNumber, plainNumber, reachable, useFinder, usePeople, usePresence } from "@/phone/directory";
import { Keypad } from "@/phone/Keypad";
import { Face } from "@/shell/Face";
import { Awaited, Empty } from "@/shell/Messages";
import { useMe } from "@/shell/me";

const RECEIVER = <IconPhone size={18} stroke={1.7} />;

interface Props {
  onChoose(number: string, name: string): void;
  /** The number of somebody who is not meant. */
  not?: string;
  /** What stands at the end of a row; a receiver unless told. */
  action?: ReactNode;
  focus?: boolean;
}

/** Choose whom to call: by name, by number, or with the keypad. */
export function WhomTo({ onChoose, not, action = RECEIVER, focus = false }: Props) {
  const { t } = useTranslation("phone");
  const [text, setText] = useState("");
  const [keypad, setKeypad] = useState(false);
  const typed = isNumber(text);
  const [q] = useDebouncedValue(typed ? "" : text.trim(), 120);
  const me = useMe();
  const list = usePeople(q);
  const people =
    list.data?.items.filter(reachable).filter((one) => one.id !== me.person && one.extension !== not) ?? [];
  const number = plainNumber(text);
  const shown = typed ? people.filter((one) => one.extension.startsWith(number)) : people;
  const presence = usePresence();
  const find = useFinder();
  const chosen = useRef(onChoose);
  chosen.current = onChoose;
  const choose = useCallback((to: string, name: string) => {
    chosen.current(to, name);
    setText("");
  }, []);
  return (
    <div className="whom">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed) {
            choose(number, people.find((one) => one.extension === number)?.name ?? "");
          } else if (text.trim()) {
            void find(text.trim()).then((found) => {
              const first = found.filter(reachable).find((one) => one.id !== me.person);
              if (first) choose(first.extension, first.name);
            });
          }
        }}
      >
        <TextInput
          size="lg"
          radius="xl"
          placeholder={t("search")}
          aria-label={t("search")}
          data-autofocus={focus || undefined}
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          leftSection={<IconSearch size={20} stroke={1.7} />}
          rightSectionWidth={typed ? 92 : 50}
          rightSection={
            <>
              <ActionIcon
                variant={keypad ? "light" : "subtle"}
                color={keypad ? "jade" : "gray"}
                radius="xl"
                size={36}
                aria-label={t("keypad")}
                aria-pressed={keypad}
                onClick={() => setKeypad(!keypad)}
              >
                <IconDialpad size={20} stroke={1.7} />
              </ActionIcon>
              {typed && (
                <ActionIcon
                  type="submit"
                  radius="xl"
                  size={36}
                  ml={4}
                  aria-label={t("callNumber", { number })}
                >
                  <IconPhone size={18} />
                </ActionIcon>
              )}
            </>
          }
        />
      </form>
      {keypad && <Keypad onPress={(key) => setText((before) => (isNumber(before) ? before : "") + key)} />}
      {!list.data && <Awaited query={list} />}
      <ul className="rows" aria-label={t("people")}>
        {shown.map((person) => {
          const state = presence.get(person.id) ?? "offline";
          return (
            <PersonRow
              key={person.id}
              person={person}
              state={state}
              words={t(`shell:presence.${state}` as "shell:presence.offline")}
              action={action}
              onChoose={choose}
            />
          );
        })}
      </ul>
      {list.data && shown.length === 0 && !typed && text !== "" && (
        <Empty title={t("nobody")} text={t("nobodyText")} />
      )}
    </div>
  );
}

interface RowProps {
  person: Person & { extension: string };
  state: string;
  words: string;
  action: ReactNode;
  onChoose: Props["onChoose"];
}

/** Drawn again only when something of it is another: each of fifty costs, while something else is scrolled or rings. */
const PersonRow = memo(function PersonRow({ person, state, words, action, onChoose }: RowProps) {
  return (
    <li>
      <button type="button" className="row plain" onClick={() => onChoose(person.extension, person.name)}>
        <span className="whose" data-state={state}>
          <Face name={person.name} size={40} />
        </span>
        <span className="grow">
          <span className="rowName">{person.name}</span>
          <span className="rowAbout">
            <span className="numbers">{person.extension}</span> · {words}
          </span>
        </span>
        <span className="action">{action}</span>
      </button>
    </li>
  );
});
