import type { TFunction } from "i18next";
import type { Schemas } from "@/api/client";

export type Entry = Schemas["Entry"];
type Words = TFunction<"audit">;

export interface Changed {
  field: string;
  from: string;
  to: string;
}

/** `person.change` as people say it: `Changed person`. An action that has no words yet is shown as it is called. */
export function actionWords(action: string, t: Words, exists: (key: string) => boolean): string {
  if (exists(`audit:acts.${action}`)) return t(`acts.${action}` as "title");
  const [thing, how] = action.split(".");
  if (!exists(`audit:hows.${how}`) || !exists(`audit:things.${thing}`)) return action;
  return `${t(`hows.${how}` as "title")} ${t(`things.${thing}` as "title")}`;
}

/** What it is about: by its name now or then, else by what it is called itself, unless that is only an id. */
export function targetName(entry: Entry): string {
  const name = entry.changes.name as { from?: unknown; to?: unknown } | undefined;
  const then = name?.to ?? name?.from;
  if (entry.target_name) return entry.target_name;
  if (typeof then === "string") return then;
  return /^[a-z]+_[0-9a-z]{8,}$/i.test(entry.target) ? "" : entry.target;
}

type Thing = Record<string, unknown>;

/** A value as a person would read it out; empty where there is none. */
function valueWords(value: unknown, t: Words): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (Array.isArray(value))
    return value
      .map((one) => valueWords(one, t))
      .filter(Boolean)
      .join(", ");
  if (typeof value !== "object") return String(value);
  const thing = value as Thing;
  if ("key" in thing && "to" in thing) return `${thing.key} ${thing.label || valueWords(thing.to, t)}`.trim();
  for (const name of ["name", "text", "label", "host", "kind"]) if (thing[name]) return String(thing[name]);
  return Object.entries(thing)
    .map(([name, one]) => [name, valueWords(one, t)])
    .filter(([, one]) => one)
    .map(([name, one]) => `${name}: ${one}`)
    .join(", ");
}

/** Of a field that has words for its values, those. */
function said(field: string, value: unknown, t: Words): string {
  if ((field === "caller" || field === "number_format") && typeof value === "string")
    return t(`values.${value}` as "title", { defaultValue: value });
  return valueWords(value, t);
}

/** What is a thing of several fields: each is told by itself. */
const PARTS = new Set(["settings", "feature_codes"]);

const HIDDEN = new Set([
  "id",
  "person",
  "leg",
  "registered",
  "browser",
  "can_sign_in",
  "version",
  "simple",
  "numbers",
]);

/** What was one way and is another, field by field. */
export function changesOf(entry: Entry, t: Words): Changed[] {
  const found: Changed[] = [];
  for (const [field, change] of Object.entries(entry.changes)) {
    const { from, to } = change as { from: unknown; to: unknown };
    if (HIDDEN.has(field)) continue;
    if (PARTS.has(field)) {
      const [was, is] = [(from ?? {}) as Thing, (to ?? {}) as Thing];
      for (const name of Object.keys({ ...was, ...is }))
        found.push({ field: name, from: said(name, was[name], t), to: said(name, is[name], t) });
      continue;
    }
    if (field === "changed" && to && !Array.isArray(to)) {
      for (const [name, pair] of Object.entries(to as Record<string, [unknown, unknown]>))
        found.push({ field: name, from: valueWords(pair[0], t), to: valueWords(pair[1], t) });
    } else if (entry.action === "person.import" && Array.isArray(to)) {
      found.push({ field, from: "", to: String(to.length) });
    } else {
      found.push({ field, from: said(field, from, t), to: said(field, to, t) });
    }
  }
  const name = targetName(entry);
  return found.filter(
    ({ from, to }) => from !== to && !(from === "" && to === name) && !(to === "" && from === name),
  );
}
