import "@/parts/parts.css";
import { memo, type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { dayName } from "@/parts/days";
import { InSight, sameItems } from "@/parts/InSight";

interface Props<Item> {
  /** The newest first. */
  items: Item[];
  at(item: Item): string;
  keyOf(item: Item): string;
  /** A row; always the same function. */
  children(item: Item): ReactNode;
}

/** To know on which day somewhere on earth an instant lies costs more than all else here, and it stays so. */
const days = new WeakMap<object, string>();

function dayOf(item: object, at: string): string {
  const day = days.get(item) ?? new Date(at).toDateString();
  days.set(item, day);
  return day;
}

/** What happened, under the days on which it did. */
export function ByDay<Item extends object>({ items, at, keyOf, children }: Props<Item>) {
  const { i18n } = useTranslation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: where the time of an item stands does not change
  const found = useMemo(() => {
    const now = new Date();
    const those = new Map<string, Item[]>();
    for (const item of items) {
      const day = dayOf(item, at(item));
      const same = those.get(day);
      if (same) same.push(item);
      else those.set(day, [item]);
    }
    return [...those].map(([day, items]) => [dayName(new Date(day), now, i18n.language), items] as const);
  }, [items, i18n.language]);
  return found.map(([name, items]) => (
    <Day key={name} name={name} items={items} keyOf={keyOf as (item: unknown) => string}>
      {children as (item: unknown) => ReactNode}
    </Day>
  ));
}

/** Most days stay as they are when the list grows. */
const Day = memo(
  function Day({ name, items, keyOf, children }: Omit<Props<unknown>, "at"> & { name: string }) {
    return (
      <section className="part-day" aria-label={name}>
        <h2>{name}</h2>
        <div className="card">
          <InSight items={items} keyOf={keyOf}>
            {children}
          </InSight>
        </div>
      </section>
    );
  },
  (before, after) =>
    before.name === after.name && before.children === after.children && sameItems(before.items, after.items),
);
