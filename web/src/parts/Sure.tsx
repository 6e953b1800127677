import { Alert, Button, Group } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";

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
