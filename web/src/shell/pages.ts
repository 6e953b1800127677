import { IconActivity, IconBuilding, IconPhone } from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { Me } from "@/api/client";

/** A page: where it is, what leads to it, who sees it. Its code is fetched when it is first shown. */
export interface Page {
  path: string;
  /** Its name's key among the shell's words. */
  label: "nav.phone" | "nav.live" | "nav.company";
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
    path: "/company",
    label: "nav.company",
    icon: IconBuilding,
    shownTo: (me) => me.role === "administrator",
    load: () => import("@/company/Page"),
  },
];
