import {
  Autocomplete,
  Button,
  Checkbox,
  Group,
  NumberInput,
  Paper,
  Stack,
  Switch,
  Text,
} from "@mantine/core";
import { IconRoute } from "@tabler/icons-react";
import { type FormEvent, Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSettings } from "@/parts/data";
import { Said, Section, Trouble } from "@/parts/parts";
import { usePeople } from "@/phone/directory";
import { CASES, type Case, type Preferences, useNames, usePrefer, usePreferences } from "@/settings/data";
import { outcomes } from "@/settings/outcome";
import { Awaited } from "@/shell/Messages";
import { useMe } from "@/shell/me";

const SHORTEST = 3;
const LONGEST = 120;

/** Whether and where one's phones ring, and what callers meet with. */
export function Calls() {
  const list = usePreferences();
  const data = list.data;
  if (!data) return <Awaited query={list} />;
  return (
    <div className="part-two">
      <div className="part-stack">
        <DoNotDisturb now={data} />
        <Forwarding now={data} />
      </div>
      <WhatHappens now={data} />
    </div>
  );
}

/** Switches: each shows at once what it was put to. */
function useSwitches(now: Preferences) {
  const prefer = usePrefer();
  return { prefer, shown: { ...now, ...(prefer.isPending ? prefer.variables : {}) } };
}

/** How a number is written: with the name of the colleague whose it is. */
function useNamed(now: Preferences): (number: string) => string {
  const names = useNames(CASES.map((one) => now[one]));
  return (number) => (names.has(number) ? `${names.get(number)} (${number})` : number);
}

function DoNotDisturb({ now }: { now: Preferences }) {
  const { t } = useTranslation("settings");
  const { prefer, shown } = useSwitches(now);
  return (
    <Section title={t("dnd.title")}>
      <Stack gap="md">
        <Switch
          size="md"
          label={t("dnd.label")}
          description={t("dnd.help")}
          checked={shown.do_not_disturb}
          onChange={(event) => prefer.mutate({ do_not_disturb: event.currentTarget.checked })}
        />
        {shown.do_not_disturb && (
          <Checkbox
            ml={58}
            label={t("dnd.busy")}
            description={t("dnd.busyHelp")}
            checked={shown.do_not_disturb_busy}
            onChange={(event) => prefer.mutate({ do_not_disturb_busy: event.currentTarget.checked })}
          />
        )}
        <Switch
          size="md"
          label={t("waiting.label")}
          description={t("waiting.help")}
          checked={shown.call_waiting}
          onChange={(event) => prefer.mutate({ call_waiting: event.currentTarget.checked })}
        />
        <Trouble error={prefer.error} />
      </Stack>
    </Section>
  );
}

const PERSON = /\(([0-9]{2,6})\)$/;

/** The number that is meant by `Minh Tran (102)`, `102` or `+84 912 345 678`; null when it is none. */
function numberMeant(text: string): string | null {
  const plain = (PERSON.exec(text.trim())?.[1] ?? text).replace(/[\s().-]/g, "");
  return /^(\+?[0-9]*|[*#0-9]+)$/.test(plain) ? plain : null;
}

function Forwarding({ now }: { now: Preferences }) {
  const { t } = useTranslation("settings");
  const seconds = useSettings().data?.ring_seconds ?? 20;
  const named = useNamed(now);
  const prefer = usePrefer();
  const [typed, setTyped] = useState<Partial<Record<Case, string>>>({});
  const [after, setAfter] = useState<number | null>(now.forward_no_answer_seconds || null);
  const shown = (one: Case) => typed[one] ?? named(now[one]);
  const wrong = CASES.filter((one) => numberMeant(shown(one)) === null);
  const changed =
    CASES.some((one) => (numberMeant(shown(one)) ?? "") !== now[one]) ||
    (after ?? 0) !== now.forward_no_answer_seconds;
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (wrong.length > 0) return;
    const changes: Partial<Preferences> = { forward_no_answer_seconds: after ?? 0 };
    for (const one of CASES) {
      const number = numberMeant(shown(one)) ?? "";
      if (number !== now[one]) changes[one] = number;
    }
    prefer.mutate(changes, { onSuccess: () => setTyped({}) });
  };
  return (
    <Section title={t("forward.title")} lead={t("forward.lead")}>
      <form onSubmit={save}>
        <div className="settings-forward">
          {CASES.map((one) => (
            <Fragment key={one}>
              <ForwardRow
                label={t(`forward.${one}`)}
                nowhere={t(one === "forward" ? "forward.nowhere" : "forward.voicemail")}
                value={shown(one)}
                wrong={wrong.includes(one)}
                onChange={(value) => setTyped({ ...typed, [one]: value })}
              />
              {one === "forward_no_answer" && shown(one) !== "" && (
                <>
                  <Text size="sm" component="label" htmlFor="settings-seconds">
                    {t("forward.seconds")}
                  </Text>
                  <NumberInput
                    id="settings-seconds"
                    min={SHORTEST}
                    max={LONGEST}
                    allowDecimal={false}
                    placeholder={t("forward.companySeconds", { seconds })}
                    value={after ?? ""}
                    onChange={(value) => setAfter(typeof value === "number" ? value : null)}
                  />
                </>
              )}
            </Fragment>
          ))}
        </div>
        <Stack gap="sm" mt="md">
          <Trouble error={prefer.error} />
          <Group>
            <Button type="submit" disabled={!changed || wrong.length > 0} loading={prefer.isPending}>
              {t("forward.save")}
            </Button>
            {prefer.isSuccess && !changed && <Said>{t("saved")}</Said>}
          </Group>
        </Stack>
      </form>
      {CASES.some((one) => now[one] !== "") && <Confirmed now={now} />}
    </Section>
  );
}

/** Whether who answers at an outside number has to press a key, which a mobile's own voicemail does not. */
function Confirmed({ now }: { now: Preferences }) {
  const { t } = useTranslation("settings");
  const { prefer, shown } = useSwitches(now);
  return (
    <Stack gap="sm" mt="md">
      <Switch
        size="md"
        label={t("forward.confirm")}
        description={t("forward.confirmHelp")}
        checked={shown.forward_confirm}
        onChange={(event) => prefer.mutate({ forward_confirm: event.currentTarget.checked })}
      />
      <Trouble error={prefer.error} />
    </Stack>
  );
}

/** Where calls go in one case: somebody who is found by a part of the name, or any number. */
function ForwardRow({
  label,
  nowhere,
  value,
  wrong,
  onChange,
}: {
  label: string;
  nowhere: string;
  value: string;
  wrong: boolean;
  onChange(value: string): void;
}) {
  const { t } = useTranslation("settings");
  const me = useMe();
  const q = numberMeant(value) === null ? value.trim() : "";
  const people = usePeople(q).data?.items ?? [];
  const found = people
    .filter((one) => one.extension && one.id !== me.person)
    .map((one) => `${one.name} (${one.extension})`);
  return (
    <>
      <Text size="sm" aria-hidden>
        {label}
      </Text>
      <div className="settings-to">
        <Autocomplete
          aria-label={label}
          placeholder={nowhere}
          data={[...new Set(found)]}
          limit={8}
          filter={({ options }) => options}
          value={value}
          error={wrong && found.length === 0 ? t("forward.unknown") : undefined}
          clearable
          clearButtonProps={{ "aria-label": t("forward.clear", { what: label }) }}
          onChange={onChange}
        />
      </div>
    </>
  );
}

/** In plain words, what the choices come to. */
function WhatHappens({ now }: { now: Preferences }) {
  const { t } = useTranslation("settings");
  const seconds = useSettings().data?.ring_seconds ?? 20;
  const named = useNamed(now);
  return (
    <Paper className="part-hears" p="md" radius="md" component="section" aria-label={t("happens")}>
      <Group gap={8} mb={10} wrap="nowrap">
        <IconRoute size={18} stroke={1.7} aria-hidden />
        <Text fw={600} size="sm">
          {t("happens")}
        </Text>
      </Group>
      <ul className="settings-outcome">
        {outcomes(now, seconds).map((one) => (
          <li key={one.what}>
            <Text size="sm">
              {t(`outcome.${one.what}`, { to: named(one.to ?? ""), seconds: one.seconds })}
            </Text>
            {one.next && (
              <Text size="sm" className="quiet">
                {t(`outcome.${one.next}`, { to: named(one.to ?? "") })}
              </Text>
            )}
          </li>
        ))}
      </ul>
    </Paper>
  );
}
