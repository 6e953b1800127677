import { Button, Center, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { type Query, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";
import { watchSight } from "@/parts/InSight";

/** Nothing here yet: what it is, and what to do. */
export function Empty({
  icon,
  title,
  text,
  order = 3,
  children,
}: {
  icon?: ReactNode;
  title: string;
  text?: string;
  /** Of its heading: 1 where it is the page. */
  order?: 1 | 3;
  children?: ReactNode;
}) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap={6} maw={340}>
        {icon && <Text c="dimmed">{icon}</Text>}
        <Title order={order} size="h4" ta="center">
          {title}
        </Title>
        {text && (
          <Text c="dimmed" ta="center" size="sm">
            {text}
          </Text>
        )}
        {children && <Group mt="sm">{children}</Group>}
      </Stack>
    </Center>
  );
}

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty title={t("notFound.title")} text={t("notFound.text")} order={1}>
      <Button component="a" href="/" variant="light">
        {t("notFound.home")}
      </Button>
    </Empty>
  );
}

/** What could not be read, why, and a way to try again. */
export function Failed({ error, again }: { error: unknown; again(): void }) {
  const { t } = useTranslation();
  return (
    <Empty title={t("failed")} text={asProblem(error).words}>
      <Button variant="light" onClick={again}>
        {t("retry")}
      </Button>
    </Empty>
  );
}

/** In place of what is not read yet: that it comes, or why it does not. It is tried again all the time; one can ask for that at once. */
export function Awaited({ query: { failureReason } }: { query: { failureReason: unknown } }) {
  const queries = useQueryClient();
  if (failureReason === null) return <Loader m="xl" />;
  const failed = { predicate: ({ state }: Query) => state.fetchFailureReason !== null };
  return <Failed error={failureReason} again={() => void queries.resetQueries(failed)} />;
}

/** The rest of a list: it comes when its end comes into sight, or when one asks for it. */
export function More({
  hasNextPage,
  isFetchingNextPage,
  isFetchNextPageError,
  fetchNextPage,
}: {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage(): unknown;
}) {
  const { t } = useTranslation();
  const end = useRef<HTMLDivElement>(null);
  const asks = useRef(() => {});
  asks.current = () => void (isFetchingNextPage || fetchNextPage());
  useEffect(() => {
    const element = end.current;
    if (element === null || !hasNextPage || isFetchingNextPage || isFetchNextPageError) return;
    return watchSight(element, (near) => near && asks.current());
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError]);
  if (!hasNextPage) return null;
  return (
    <Center pb="md" ref={end}>
      <Button variant="subtle" size="sm" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
        {t("more")}
      </Button>
    </Center>
  );
}
