import { IconActivity, IconBuilding, IconHistory, IconPhone, IconSettings } from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { Me } from "@/api/client";
import type { en } from "@/shell/words";

/** A page: where it is, what leads to it, who sees it. Its code is fetched when it is first shown. */
export interface Page {
  path: string;
  /** Its name's key among the shell's words. */
  label: `nav.${keyof typeof en.nav}`;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  shownTo(me: Me): boolean;
  load(): Promise<{ Page: ComponentType }>;
}

export const PAGES: Page[] = [
  {
    path: "/phone",
    label: "nav.phone",
    icon: IconPhone,
    shownTo: (me) => me.person !== null,
    load: () => import("@/phone/Page"),
  },
  {
    path: "/live",
    label: "nav.live",
    icon: IconActivity,
    shownTo: (me) => me.role === "administrator",
    load: () => import("@/live/Page"),
  },
  {
    path: "/calls",
    label: "nav.calls",
    icon: IconHistory,
    shownTo: (me) => me.role === "administrator",
    load: () => import("@/history/Page"),
  },
  {
    path: "/company",
    label: "nav.company",
    icon: IconBuilding,
    shownTo: (me) => me.role === "administrator",
    load: () => import("@/company/Page"),
  },
  {
    path: "/changes",
    label: "nav.changes",
    icon: IconHistory,
    shownTo: (me) => me.role === "provider",
    load: () => import("@/audit/Page"),
  },
  {
    path: "/settings",
    label: "nav.settings",
    icon: IconSettings,
    shownTo: () => true,
    load: () => import("@/settings/Page"),
  },
];

/** Where one begins. */
export function homeOf(me: Me): string {
  return PAGES.find((page) => page.shownTo(me))?.path ?? "/settings";
}
