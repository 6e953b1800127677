import { ActionIcon, Button, Center, Loader, Text } from "@mantine/core";
import { IconArrowDownLeft, IconArrowUpRight, IconHistory, IconPhone, IconPhoneX } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "@/api/client";
import { useSeeing } from "@/phone/missed";
import { clock } from "@/phone/Since";
import { Empty, Failed } from "@/shell/Messages";
import { useMe, useTenant } from "@/shell/me";

type Logged = Schemas["LoggedCall"];

/** A red that can be read on either ground. */
const MISSED = "light-dark(var(--mantine-color-red-9), var(--mantine-color-red-4))";

/** One's own calls that have ended, the newest first. */
function useRecent() {
  const tenant = useTenant();
  const person = useMe().person ?? "";
  return useInfiniteQuery({
    queryKey: ["calls", tenant, "log", person, i18next.language],
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/call-log", {
          params: { path: { tenant }, query: { person, limit: 30, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

interface Props {
  own: string;
  /** How many were missed that nobody has looked at. */
  missed: number;
  onCall(number: string, name: string): void;
}

/** Whom one talked to, who called, and a way to call again. */
export function Recent({ own, missed, onCall }: Props) {
  const { t } = useTranslation("phone");
  useSeeing(missed);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useRecent();
  if (error) return <Failed error={error} reset={refetch} />;
  if (!data) return <Loader m="xl" />;
  const calls = data.pages.flatMap((page) => page.items);
  if (calls.length === 0) {
    return (
      <Empty
        icon={<IconHistory size={42} stroke={1.2} />}
        title={t("recentEmpty")}
        text={t("recentEmptyText")}
      />
    );
  }
  return (
    <>
      <ul className="rows recent">
        {calls.map((call) => (
          <RecentRow key={call.id} call={call} own={own} onCall={onCall} />
        ))}
      </ul>
      {hasNextPage && (
        <Center pb="md">
          <Button
            variant="subtle"
            size="sm"
            loading={isFetchingNextPage}
            onClick={() => void fetchNextPage()}
          >
            {t("more")}
          </Button>
        </Center>
      )}
    </>
  );
}

function RecentRow({
  call,
  own,
  onCall,
}: {
  call: Logged;
  own: string;
  onCall(number: string, name: string): void;
}) {
  const { t, i18n } = useTranslation("phone");
  const made = call.caller === own;
  const number = made ? call.dialled : call.caller;
  const name = made ? (call.path[0] ?? "") : call.caller_name;
  const missed = !made && call.missed;
  const Icon = missed ? IconPhoneX : made ? IconArrowUpRight : IconArrowDownLeft;
  const at = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  const length = call.seconds > 0 ? clock(call.seconds) : missed ? t("missed") : t("unanswered");
  return (
    <li className="recentCall" title={call.story}>
      <Text component="span" c={missed ? MISSED : "dimmed"} className="way">
        <Icon size={19} stroke={1.8} />
      </Text>
      <div className="grow">
        <Text fw={530} truncate c={missed ? MISSED : undefined}>
          {name || number || t("unknown")}
        </Text>
        <Text size="sm" c="dimmed" className="numbers" truncate>
          {[name && number, at.format(new Date(call.started)), length].filter(Boolean).join(" · ")}
        </Text>
      </div>
      {number && (
        <ActionIcon
          variant="subtle"
          size={40}
          radius="xl"
          aria-label={t("callNumber", { number: name || number })}
          onClick={() => onCall(number, name)}
        >
          <IconPhone size={19} stroke={1.7} />
        </ActionIcon>
      )}
    </li>
  );
}
