import { Link, Navigate, Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { AccountCorner } from "@/shell/AccountCorner";
import { Brand } from "@/shell/Brand";
import { LiveEvents, useLineState } from "@/shell/Live";
import { useMe } from "@/shell/me";
import { homeOf, PAGES } from "@/shell/pages";
import { Version } from "@/shell/Version";

/** The telephone goes on whichever page is shown. */
const PhoneHost = lazy(async () => ({ default: (await import("@/phone/Host")).Host }));

/** The frame around every page. */
export function Layout() {
  const { t } = useTranslation();
  const me = useMe();
  const shown = PAGES.filter((page) => page.shownTo(me));
  const path = useLocation({ select: (location) => location.pathname });
  const page = PAGES.find((one) => one.path === path);
  const content = page && !page.shownTo(me) ? <Navigate to={homeOf(me)} replace /> : <Outlet />;
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
        <AccountCorner />
      </nav>
      <main className="main" id="content">
        {me.tenant === null ? (
          content
        ) : (
          <LiveEvents tenant={me.tenant} me={me}>
            {content}
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
