import { Link, Outlet } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { AccountMenu } from "@/shell/AccountMenu";
import { Brand } from "@/shell/Brand";
import { LiveEvents, useLineState } from "@/shell/Live";
import { Empty } from "@/shell/Messages";
import { useMe } from "@/shell/me";
import { PAGES } from "@/shell/pages";
import { Version } from "@/shell/Version";

/** The telephone goes on whichever page is shown. */
const PhoneHost = lazy(async () => ({ default: (await import("@/phone/Host")).Host }));

/** The frame around every page. */
export function Layout() {
  const { t } = useTranslation();
  const me = useMe();
  const shown = PAGES.filter((page) => page.shownTo(me));
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      <nav className="rail" aria-label={t("menuLabel")}>
        <Brand />
        {shown.map(({ path, label, icon: Icon }) => (
          <Link key={path} to={path} activeProps={{ className: "active" }}>
            <Icon size={21} stroke={1.7} />
            {t(label)}
          </Link>
        ))}
        <div className="grow" />
        <AccountMenu />
      </nav>
      <main className="main" id="content">
        {me.tenant === null ? (
          <Empty title={t("provider.title")} text={t("provider.text")} />
        ) : (
          <LiveEvents tenant={me.tenant}>
            <Outlet />
            <Lost />
            <Version />
            {me.person !== null && (
              <Suspense>
                <PhoneHost />
              </Suspense>
            )}
          </LiveEvents>
        )}
      </main>
    </div>
  );
}

function Lost() {
  const { t } = useTranslation();
  return useLineState() === "lost" ? <output className="lost">{t("lost")}</output> : null;
}
