import { Alert, Button, Group } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";

/** It stays in sight when what is around it grows, such as a list that comes late, until somebody scrolls. */
function useInSight(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const growing = new ResizeObserver(() => element.current?.scrollIntoView({ block: "nearest" }));
    for (let one = element.current?.parentElement; one; one = one.parentElement) growing.observe(one);
    const scrolls = new AbortController();
    for (const type of ["wheel", "touchmove"])
      addEventListener(type, () => growing.disconnect(), { passive: true, signal: scrolls.signal });
    return () => {
      growing.disconnect();
      scrolls.abort();
    };
  }, [element]);
}

/** What cannot be undone is asked once more. */
export function Sure({
  words,
  act,
  onDone,
  onCancel,
}: {
  words: string;
  act(): Promise<unknown>;
  onDone(): void;
  onCancel(): void;
}) {
  const { t } = useTranslation();
  const deleting = useMutation({ mutationFn: act, onSuccess: onDone });
  const asked = useRef<HTMLDivElement>(null);
  useInSight(asked);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a refusal makes it longer
  useEffect(() => {
    asked.current?.scrollIntoView({ block: "nearest" }); // which may return a promise
  }, [deleting.error]);
  return (
    <Alert ref={asked} color="red" radius="md" variant="light" role="alert" my="xs" className="sure">
      {words}
      {deleting.error && <p>{asProblem(deleting.error).words}</p>}
      <Group mt="xs">
        <Button color="red.9" size="sm" loading={deleting.isPending} onClick={() => deleting.mutate()}>
          {t("delete")}
        </Button>
        <Button variant="default" size="sm" onClick={onCancel}>
          {t("cancel")}
        </Button>
      </Group>
    </Alert>
  );
}
