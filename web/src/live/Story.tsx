import "@/live/words";
import "@/live/live.css";
import { Drawer, Text, Timeline } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { Awaited } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

interface Props {
  /** The call's id. */
  call: string;
  title: string;
  lead: string;
  /** That it has ended, to be told where it was seen going on. */
  over?: boolean;
  onClose(): void;
}

/** What happened in a call, step by step, as it goes on. */
export function Story({ call, title, lead, over = false, onClose }: Props) {
  const { t, i18n } = useTranslation("live");
  const tenant = useTenant();
  const narrow = useMediaQuery("(max-width: 48em)");
  const steps = useQuery({
    queryKey: ["calls", tenant, call, "explanation", i18n.language],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/calls/{call}/explanation", {
          params: { path: { tenant, call } },
        }),
      ),
  });
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" });
  return (
    <Drawer
      opened
      onClose={onClose}
      position={narrow ? "bottom" : "right"}
      size={narrow ? "80%" : 400}
      title={title}
      closeButtonProps={{ "aria-label": t("shell:close") }}
    >
      <Text size="sm" className="quiet numbers" mb="lg">
        {lead}
      </Text>
      {!steps.data && <Awaited query={steps} />}
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
