import "@/settings/words";
import "@/settings/diverted.css";
import { Button, Group, Text } from "@mantine/core";
import { IconArrowForwardUp, IconMoon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";
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
  const Icon = data.forward ? IconArrowForwardUp : IconMoon;
  return (
    <section className="diverted" aria-label={t("parts.calls")}>
      <Icon size={20} stroke={1.8} aria-hidden />
      <Text size="sm" fw={560} className="diverted-words" role="status">
        {data.forward ? t("diverted.always", { to }) : t("diverted.dnd")}
        {prefer.error && (
          <Text span inherit display="block" c="red">
            {asProblem(prefer.error).words}
          </Text>
        )}
      </Text>
      <Group gap={4} wrap="nowrap">
        <Button size="sm" variant="default" loading={prefer.isPending} onClick={off}>
          {t("diverted.off")}
        </Button>
        <Button
          size="sm"
          variant="subtle"
          color="gray"
          renderRoot={(props) => <Link to="/settings" hash="calls" {...props} />}
        >
          {t("diverted.change")}
        </Button>
      </Group>
    </section>
  );
}
