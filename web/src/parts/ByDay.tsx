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

/** What happened, under the days on which it did. */
export function ByDay<Item>({ items, at, keyOf, children }: Props<Item>) {
  const { i18n } = useTranslation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: where the time of an item stands does not change
  const days = useMemo(() => {
    const now = new Date();
    const found = new Map<string, Item[]>();
    for (const item of items) {
      const day = new Date(at(item)).toDateString();
      const those = found.get(day);
      if (those) those.push(item);
      else found.set(day, [item]);
    }
    return [...found].map(([day, those]) => [dayName(new Date(day), now, i18n.language), those] as const);
  }, [items, i18n.language]);
  return days.map(([name, found]) => (
    <Day key={name} name={name} items={found} keyOf={keyOf as (item: unknown) => string}>
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
