import { Alert, Button, Group } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CallView } from "@/phone/call";
import { mayNotify } from "@/phone/notices";

const KEPT = "tongdai.notify.asked";

/** After the first call that came in, when it is plain what for: shall the browser tell of calls? */
export function NotifyHint({ calls }: { calls: CallView[] }) {
  const { t } = useTranslation("phone");
  const [wanted, setWanted] = useState(false);
  const came = calls.some((call) => call.incoming && call.state === "ended");
  useEffect(() => {
    if (came && mayNotify() === "default" && localStorage.getItem(KEPT) === null) setWanted(true);
  }, [came]);
  if (!wanted || calls.length > 0) return null;
  const asked = () => {
    localStorage.setItem(KEPT, "");
    setWanted(false);
  };
  return (
    <Alert variant="light" role="status">
      {t("notifyHint")}
      <Group gap="xs" mt="xs">
        <Button size="sm" onClick={() => void Notification.requestPermission().then(asked)}>
          {t("notifyYes")}
        </Button>
        <Button size="sm" variant="subtle" onClick={asked}>
          {t("notifyNo")}
        </Button>
      </Group>
    </Alert>
  );
}
