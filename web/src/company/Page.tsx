import "@/live/words";
import "@/company/words";
import "@/company/company.css";
import { Title } from "@mantine/core";
import { Link, useLocation } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";

const SECTIONS = {
  welcome: lazy(() => import("@/company/Welcome").then((x) => ({ default: x.Welcome }))),
  people: lazy(() => import("@/company/People").then((x) => ({ default: x.People }))),
  departments: lazy(() => import("@/company/Departments").then((x) => ({ default: x.Departments }))),
  rooms: lazy(() => import("@/company/Rooms").then((x) => ({ default: x.Rooms }))),
  numbers: lazy(() => import("@/company/Numbers").then((x) => ({ default: x.Numbers }))),
  sound: lazy(() => import("@/company/Sound").then((x) => ({ default: x.Sound }))),
} satisfies Record<string, ComponentType>;

type Name = keyof typeof SECTIONS;

/** On a phone not all names fit beside each other. */
const inSight = (tab: HTMLElement | null) => tab?.scrollIntoView({ inline: "nearest", block: "nearest" });

/** How the company is reached: each part is a section, fetched when it is first shown. */
export function Page() {
  const { t } = useTranslation("company");
  const hash = useLocation({ select: (location) => location.hash });
  const name: Name = hash in SECTIONS ? (hash as Name) : "welcome";
  const Section = SECTIONS[name];
  return (
    <div className="page company" data-section={name}>
      <Title order={1} size="h2" mb="md">
        {t("title")}
      </Title>
      <nav className="company-tabs" aria-label={t("title")}>
        {(Object.keys(SECTIONS) as Name[]).map((one) => (
          <Link
            key={one}
            to="/company"
            hash={one}
            activeOptions={{ includeHash: true }}
            className={one === name ? "here" : undefined}
            ref={one === name ? inSight : undefined}
          >
            {t(`sections.${one}`)}
          </Link>
        ))}
      </nav>
      <Suspense fallback={null}>
        <Section />
      </Suspense>
    </div>
  );
}
