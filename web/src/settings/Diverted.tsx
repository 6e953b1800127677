import "@/settings/words";
import { Alert, Button, Group } from "@mantine/core";
import { IconArrowForwardUp, IconMoon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useNames, usePrefer, usePreferences } from "@/settings/data";

/** Says at the phone that it will not ring, so that nobody waits for calls in vain. */
export function Diverted() {
  const { t } = useTranslation("settings");
  const { data } = usePreferences();
  const prefer = usePrefer();
  const names = useNames(data ? [data.forward] : []);
  if (!data?.forward && !data?.do_not_disturb) return null;
  const to = names.get(data.forward) ?? data.forward;
  const off = () => prefer.mutate(data.forward ? { forward: "" } : { do_not_disturb: false });
  return (
    <Alert
      color="yellow"
      variant="light"
      role="status"
      icon={data.forward ? <IconArrowForwardUp /> : <IconMoon />}
      title={data.forward ? t("diverted.always", { to }) : t("diverted.dnd")}
    >
      <Group gap="xs">
        <Button size="xs" variant="default" loading={prefer.isPending} onClick={off}>
          {t("diverted.off")}
        </Button>
        <Button
          size="xs"
          variant="subtle"
          renderRoot={(props) => <Link to="/settings" hash="calls" {...props} />}
        >
          {t("diverted.change")}
        </Button>
      </Group>
    </Alert>
  );
}
