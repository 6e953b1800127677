import type { Logged, Wanted } from "@/history/data";

export const SPANS = ["all", "today", "yesterday", "week", "month", "own"] as const;
export type Span = (typeof SPANS)[number];
export const DIRECTIONS = ["in", "out", "internal"] as const satisfies Logged["direction"][];

/** What is asked for, as it stands in the page's address. */
export interface Filters {
  span: Span;
  /** Days of one's own choice, `2026-11-26`; the last one is meant whole. */
  from: string;
  to: string;
  person: string;
  /** What the person is called, for whoever opens the address. */
  name: string;
  number: string;
  direction: Logged["direction"] | "";
  missed: boolean;
}

export const EVERYTHING: Filters = {
  span: "all",
  from: "",
  to: "",
  person: "",
  name: "",
  number: "",
  direction: "",
  missed: false,
};

const one = <T extends string>(value: unknown, of: readonly T[], otherwise: T): T =>
  of.find((x) => x === value) ?? otherwise;
const text = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";
const day = (value: unknown) => (/^\d{4}-\d\d-\d\d$/.test(text(value)) ? text(value) : "");

/** Out of an address, which may say anything. */
export function readFilters(search: Record<string, unknown>): Filters {
  return {
    span: one(search.span, SPANS, "all"),
    from: day(search.from),
    to: day(search.to),
    person: text(search.person),
    name: text(search.name),
    number: text(search.number),
    direction: one(search.direction, [...DIRECTIONS, ""], ""),
    missed: search.missed === true,
  };
}

/** For an address: only what narrows the list. */
export function shortened(filters: Filters): Partial<Filters> {
  const entries = Object.entries(filters) as [keyof Filters, unknown][];
  return Object.fromEntries(entries.filter(([name, value]) => value !== EVERYTHING[name]));
}

/** What the API is asked for. `now`: what is today where one looks. */
export function wanted(filters: Filters, now: Date): Wanted {
  const midnight = (days: number) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
  const at = (date: string, days: number) => {
    const [year = 0, month = 1, dayOf = 1] = date.split("-").map(Number);
    return new Date(year, month - 1, dayOf + days).toISOString();
  };
  const spans: Record<Span, Pick<Wanted, "since" | "until">> = {
    all: {},
    today: { since: midnight(0) },
    yesterday: { since: midnight(-1), until: midnight(0) },
    week: { since: midnight(-6) },
    month: { since: midnight(-29) },
    own: {
      since: filters.from ? at(filters.from, 0) : undefined,
      until: filters.to ? at(filters.to, 1) : undefined,
    },
  };
  return {
    ...spans[filters.span],
    person: filters.person || undefined,
    number: filters.number || undefined,
    direction: filters.direction || undefined,
    missed: filters.missed || undefined,
  };
}

/** Where the same calls are as a table, in this language. */
export function tableUrl(tenant: string, asked: Wanted, language: string): string {
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams([
    ...given.map(([name, value]) => [name, String(value)]),
    ["language", language],
  ]);
  return `/api/v1/tenants/${tenant}/call-log.csv?${query}`;
}
