import { Button, CloseButton, Loader, SegmentedControl, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconMicrophone } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Me } from "@/api/client";
import { Problem } from "@/api/problem";
import { national, useOutside } from "@/outside/account";
import { Level } from "@/outside/Level";
import { leaveOutside, OUTSIDE } from "@/outside/open";
import "@/outside/outside.css";
import { Phone } from "@/outside/Phone";
import { beIn, type Half, isHeard, speakerOf, useChosen } from "@/outside/speaking";
import { useBecome, Who } from "@/outside/Who";
import "@/outside/words";
import "@/phone/phone.css";
import type { PhoneView } from "@/phone/call";
import { useLine } from "@/phone/store";
import { MeProvider, useOffers, useSession } from "@/shell/me";
import { Tour } from "@/tour/Tour";

interface Props {
  /** Who is signed in, in the company. */
  me: Me | undefined;
  /** The company's pages. */
  children: ReactNode;
}

/** The world outside and the company, each with its telephone: beside each other, or as tabs where that is too narrow. */
export function Split({ me, children }: Props) {
  const { t } = useTranslation("outside");
  const { data: account, error } = useOutside(me?.email);
  const chosen = useChosen();
  const narrow = useMediaQuery("(max-width: 68em)", false, { getInitialValueInEffect: false });
  const outside = useLine("outside");
  const own = useLine("own");
  useSignedIn(me);

  const speaker = speakerOf(chosen, outside.view, own.view);
  const hearsOutside = isHeard("outside", speaker, outside.view, own.view);
  const hearsOwn = isHeard("own", speaker, outside.view, own.view);
  useEffect(() => {
    outside.line?.attend(speaker === "outside", hearsOutside);
    own.line?.attend(speaker === "own", hearsOwn);
  }, [outside.line, own.line, speaker, hearsOutside, hearsOwn]);
  useEffect(() => {
    if (error instanceof Problem && error.status === 404) leaveOutside(); // no demo
  }, [error]);

  const company = account?.companies.find((one) => one.own);
  const live = isLive(outside.view) || isLive(own.view);
  const half = (name: Half) => ({
    "data-half": name,
    "data-speaks": live && speaker === name,
    hidden: narrow && chosen !== name,
    onPointerDownCapture: () => beIn(name),
    onFocusCapture: () => beIn(name),
  });
  const called = (view: PhoneView) => view.calls.some((call) => call.state === "ringing");
  return (
    <div className="split">
      {me && account && company && (
        <MeProvider key={me.email} value={me}>
          <Tour account={account} company={company} narrow={narrow} />
        </MeProvider>
      )}
      {narrow && (
        <SegmentedControl
          className="split-tabs"
          fullWidth
          value={chosen}
          onChange={(name) => beIn(name as Half)}
          data={[
            { value: "outside", label: <Tab name={t("title")} rings={called(outside.view)} /> },
            { value: "own", label: <Tab name={company?.name ?? t("company")} rings={called(own.view)} /> },
          ]}
        />
      )}
      <div className="split-halves">
        <section className="split-half outside" aria-label={t("title")} {...half("outside")}>
          <header className="split-head">
            <div className="grow">
              <h2>{t("title")}</h2>
              {account && !live && (
                <Text size="sm" className="quiet numbers">
                  {t("youAre", { number: national(account.number) })}
                </Text>
              )}
            </div>
            {live && <Voice half="outside" speaker={speaker} />}
            <CloseButton aria-label={t("leave")} title={t("leave")} onClick={leaveOutside} />
          </header>
          {account ? (
            <Phone account={account} />
          ) : me ? (
            <Loader m="xl" />
          ) : (
            <p className="split-wait">{t("signIn")}</p>
          )}
        </section>
        <section className="split-half company" aria-label={company?.name ?? t("company")} {...half("own")}>
          {me && company && (
            <header className="split-head">
              <h2 className="grow">{company.name}</h2>
              {live && <Voice half="own" speaker={speaker} />}
              <Who me={me} />
            </header>
          )}
          <div className="split-page">{children}</div>
        </section>
      </div>
    </div>
  );
}

const isLive = (view: PhoneView) => view.calls.some((call) => call.state === "talking");

function Tab({ name, rings }: { name: string; rings: boolean }) {
  return <span className={rings ? "split-rings" : undefined}>{name}</span>;
}

/** Whether one speaks here. */
function Voice({ half, speaker }: { half: Half; speaker: Half }) {
  const { t } = useTranslation("outside");
  const here = half === speaker;
  return (
    <Button
      className="split-voice"
      size="compact-sm"
      radius="xl"
      variant={here ? "filled" : "default"}
      aria-pressed={here}
      leftSection={<IconMicrophone size={15} stroke={1.8} />}
      rightSection={<Level half={half} />}
      onClick={() => beIn(half)}
    >
      {here ? t("speaksHere") : t("speakHere")}
    </Button>
  );
}

/** Whoever comes by the link of `make run` is somebody of the company at once, where a demo lets one be. */
function useSignedIn(me: Me | undefined): void {
  const { error } = useSession();
  const nobody = error instanceof Problem && error.status === 401;
  const first = useOffers().data?.[0];
  const become = useBecome();
  const wanted = useRef(location.pathname === OUTSIDE);
  useEffect(() => {
    if (!wanted.current || me || !nobody || !first) return;
    wanted.current = false;
    become.mutate(first);
  }, [me, nobody, first, become]);
}
