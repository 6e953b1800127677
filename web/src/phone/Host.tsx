import { Button, Group, Text } from "@mantine/core";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Face } from "@/shell/Face";
import "@/phone/phone.css";
import { openOwnLine, useLine } from "@/phone/store";
import "@/phone/words";

/** Keeps the phone of this page registered, whichever page is shown, and tells of calls. */
export function Host() {
  const { t } = useTranslation("phone");
  const { line, view } = useLine();
  const navigate = useNavigate();
  const onPhone = useLocation().pathname.startsWith("/phone");
  useEffect(() => {
    void openOwnLine();
  }, []);
  const ringing = view.calls.find((call) => call.state === "ringing");
  const name = ringing ? ringing.name || ringing.number : "";
  const active = view.calls.find((call) => call.state !== "ended");

  useEffect(() => {
    if (!name) return;
    const before = document.title;
    document.title = t("incoming", { name });
    let told: Notification | undefined;
    if (document.hidden && "Notification" in globalThis && Notification.permission === "granted") {
      told = new Notification(t("incoming", { name }), { icon: "/icon.svg", tag: "tongdai-call" });
      told.onclick = () => window.focus();
    }
    return () => {
      document.title = before;
      told?.close();
    };
  }, [name, t]);

  if (onPhone || !active || !line) return null;
  return (
    <div className="card overCall" role="status">
      <Face name={active.name} size={38} />
      <div className="grow">
        <Text fw={600} size="sm" truncate>
          {active.name || active.number}
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
    </div>
  );
}
