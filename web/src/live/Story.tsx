import { Drawer, Text, Timeline } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Call } from "@/api/client";
import { nameOf, number } from "@/live/calls";
import { Failed } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

/** What happened in a call, step by step, as it goes on. */
export function Story({ call, over, onClose }: { call: Call; over: boolean; onClose(): void }) {
  const { t, i18n } = useTranslation("live");
  const tenant = useTenant();
  const narrow = useMediaQuery("(max-width: 48em)");
  const steps = useQuery({
    queryKey: ["calls", tenant, call.id, "explanation", i18n.language],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/calls/{call}/explanation", {
          params: { path: { tenant, call: call.id } },
        }),
      ),
    retry: 4, // the first words of a call are written a moment after it begins
  });
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" });
  return (
    <Drawer
      opened
      onClose={onClose}
      position={narrow ? "bottom" : "right"}
      size={narrow ? "80%" : 400}
      title={nameOf(call.caller, t("withheld"))}
      classNames={{ title: "live-title" }}
      closeButtonProps={{ "aria-label": t("shell:close") }}
    >
      <Text size="sm" className="quiet numbers" mb="lg">
        {number(call.caller.number)} · {t("dialled", { to: number(call.dialled) })}
      </Text>
      {steps.error && !steps.data && <Failed error={steps.error} reset={steps.refetch} />}
      <Timeline bulletSize={14} lineWidth={2} active={steps.data?.length ?? 0} aria-live="polite">
        {steps.data?.map((step, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps are only ever added
          <Timeline.Item key={place}>
            <Text size="sm" className="live-step">
              {step.text}
            </Text>
            <Text size="xs" className="quiet numbers">
              {time.format(new Date(step.at))}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {over && (
        <Text size="sm" className="quiet" mt="lg">
          {t("over")}
        </Text>
      )}
    </Drawer>
  );
}
