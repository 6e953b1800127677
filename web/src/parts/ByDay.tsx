import "@/parts/parts.css";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { dayName } from "@/parts/days";

interface Props<Item> {
  /** The newest first. */
  items: Item[];
  at(item: Item): string;
  keyOf(item: Item): string;
  children(item: Item): ReactNode;
}

/** What happened, under the days on which it did. */
export function ByDay<Item>({ items, at, keyOf, children }: Props<Item>) {
  const { i18n } = useTranslation();
  const now = new Date();
  const days = new Map<string, Item[]>();
  for (const item of items) {
    const name = dayName(new Date(at(item)), now, i18n.language);
    const found = days.get(name);
    if (found) found.push(item);
    else days.set(name, [item]);
  }
  return [...days].map(([name, found]) => (
    <section key={name} className="part-day" aria-label={name}>
      <h2>{name}</h2>
      <ul className="card">
        {found.map((item) => (
          <li key={keyOf(item)}>{children(item)}</li>
        ))}
      </ul>
    </section>
  ));
}
