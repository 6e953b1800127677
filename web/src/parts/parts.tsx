import "@/parts/words";
import "@/parts/parts.css";
import { Alert, Button, Drawer, Group, Paper, Stack, Text } from "@mantine/core";
import { IconEar } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { type ComponentType, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";

/** On a phone not all names fit beside each other. */
const inSight = (tab: HTMLElement | null) => tab?.scrollIntoView({ inline: "nearest", block: "nearest" });

/** The parts of a page by name, of which the one in the address is shown; each is fetched when it first is. */
export function Sections<Name extends string>({
  at,
  title,
  parts,
  nameOf,
}: {
  /** The page's path. */
  at: "/company" | "/settings";
  title: string;
  parts: Record<Name, ComponentType>;
  nameOf(name: Name): string;
}) {
  const names = Object.keys(parts) as Name[];
  const hash = useLocation({ select: (location) => location.hash });
  const shown = names.find((name) => name === hash) ?? names[0];
  if (shown === undefined) return null;
  const Part: ComponentType = parts[shown];
  return (
    <>
      <nav className="part-tabs" aria-label={title}>
        {names.map((name) => (
          <Link
            key={name}
            to={at}
            hash={name}
            activeOptions={{ includeHash: true }}
            className={name === shown ? "here" : undefined}
            ref={name === shown ? inSight : undefined}
          >
            {nameOf(name)}
          </Link>
        ))}
      </nav>
      <div className="part-shown" data-section={shown}>
        <Suspense fallback={null}>
          <Part />
        </Suspense>
      </div>
    </>
  );
}

/** A part of a page with a heading of its own. */
export function Section({
  title,
  lead,
  aside,
  children,
}: {
  title: string;
  lead?: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="card part-section" aria-label={title}>
      <Group justify="space-between" align="flex-start" mb="md" className="part-head">
        <div>
          <h2>{title}</h2>
          {lead && (
            <Text size="sm" className="quiet">
              {lead}
            </Text>
          )}
        </div>
        {aside}
      </Group>
      {children}
    </section>
  );
}

/** What a caller will hear, in plain words. */
export function Hears({ children, action }: { children: ReactNode; action?: ReactNode }) {
  const { t } = useTranslation("parts");
  return (
    <Paper className="part-hears" p="md" radius="md">
      <Group gap={8} mb={6} wrap="nowrap">
        <IconEar size={18} stroke={1.7} aria-hidden />
        <Text fw={600} size="sm">
          {t("hears")}
        </Text>
      </Group>
      <Stack gap={4}>{children}</Stack>
      {action && <div className="part-action">{action}</div>}
    </Paper>
  );
}

export function Trouble({ error }: { error: unknown }) {
  return error ? (
    <Alert color="red" radius="md" role="alert">
      {asProblem(error).words}
    </Alert>
  ) : null;
}

/** That it was done, to be seen and to be heard. */
export function Said({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" role="status" className="quiet">
      {children}
    </Text>
  );
}

/** A drawer with a form: saving closes it, a refusal is shown in it. */
export function Editor({
  title,
  save,
  saveLabel,
  more,
  children,
  onClose,
}: {
  title: string;
  save(): Promise<unknown>;
  saveLabel?: string;
  more?: ReactNode;
  children: ReactNode;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const saving = useMutation({ mutationFn: save, onSuccess: onClose });
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={440}
      title={title}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <Stack gap="md">
          {children}
          <Trouble error={saving.error} />
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={saving.isPending}>
              {saveLabel ?? t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
      {more}
    </Drawer>
  );
}
