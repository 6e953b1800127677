import { ActionIcon, Menu, Text } from "@mantine/core";
import { IconDots, IconMessage, IconPhone, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { asProblem, isRefusal, retryPause } from "@/api/problem";
import { shortTime } from "@/parts/days";
import { number } from "@/parts/number";
import { Sure } from "@/parts/Sure";
import { useMailbox } from "@/phone/mailbox";
import { Player } from "@/phone/Player";
import { Awaited, Empty } from "@/shell/Messages";
import { useMe, useTenant } from "@/shell/me";

type Message = Schemas["Message"];

const PLACE = "/api/v1/tenants/{tenant}/mailboxes/{mailbox}/messages/{message}";

/** Messages that callers left: listen, delete, call back. */
export function Voicemail({ onCall }: { onCall(number: string, name: string): void }) {
  const { t } = useTranslation("phone");
  const list = useMailbox();
  const data = list.data;
  if (!data) return <Awaited query={list} />;
  if (data.length === 0) {
    return (
      <Empty
        icon={<IconMessage size={42} stroke={1.2} />}
        title={t("voicemailEmpty")}
        text={t("voicemailEmptyText")}
      />
    );
  }
  return (
    <ul className="rows messages">
      {data.map((message) => (
        <MessageRow key={message.id} message={message} onCall={onCall} />
      ))}
    </ul>
  );
}

function MessageRow({ message, onCall }: { message: Message; onCall(number: string, name: string): void }) {
  const { t, i18n } = useTranslation("phone");
  const queries = useQueryClient();
  const tenant = useTenant();
  const mailbox = useMe().person ?? "";
  const params = { path: { tenant, mailbox, message: message.id } };
  const [deleting, setDeleting] = useState(false);
  const again = () => void queries.invalidateQueries({ queryKey: ["mailbox"] });
  const keeping = useMutation({
    mutationFn: () => ask(api.PATCH(PLACE, { params, body: { saved: true } })),
    retry: (_, error) => !isRefusal(error), // nobody listens to it again for that
    retryDelay: retryPause,
    onSuccess: again,
  });
  const { caller } = message;
  const name = caller.name || number(caller.number) || t("unknown");
  return (
    <li className="message">
      <div className="head">
        <div className="grow">
          <Text fw={message.saved ? 500 : 680} truncate>
            {name}
            {!message.saved && <span className="new">{t("newMessage")}</span>}
          </Text>
          <Text size="sm" c="dimmed" className="numbers">
            {[
              caller.name && number(caller.number),
              shortTime(new Date(message.at), new Date(), i18n.language),
            ]
              .filter(Boolean)
              .join(" · ")}
          </Text>
        </div>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={`${t("menuLabel", { ns: "shell" })}: ${name}`}
            >
              <IconDots size={19} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {caller.number && (
              <Menu.Item
                leftSection={<IconPhone size={17} />}
                onClick={() => onCall(caller.number, caller.name)}
              >
                {t("callBack")}
              </Menu.Item>
            )}
            <Menu.Item
              className="danger"
              leftSection={<IconTrash size={17} />}
              onClick={() => setDeleting(true)}
            >
              {t("deleteMessage")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      {keeping.failureReason && (
        <Text size="sm" c="red" role="alert">
          {asProblem(keeping.failureReason).words}
        </Text>
      )}
      {deleting && (
        <Sure
          words={t("deleteSure", { name })}
          act={() => ask(api.DELETE(PLACE, { params }))}
          onDone={again}
          onCancel={() => setDeleting(false)}
        />
      )}
      <Player
        url={`/api/v1/tenants/${tenant}/mailboxes/${mailbox}/messages/${message.id}/sound`}
        seconds={message.seconds}
        label={name}
        onHeard={() => {
          if (!message.saved) keeping.mutate();
        }}
      />
    </li>
  );
}
