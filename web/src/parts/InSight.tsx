import { memo, type ReactNode, useEffect, useRef, useState } from "react";

/** Rows that come and go together. */
const ROWS = 10;
/** What a row is taken for until it was seen, in pixels. */
const ROW = 58;
const AROUND = "300px 0px";

type Seen = (near: boolean) => void;
const watchers = new WeakMap<Element, { observer: IntersectionObserver; seen: Map<Element, Seen> }>();

/** Tells whether an element is in sight of the page's scrolling part, or nearly. Returns how to end that. */
export function watchSight(element: Element, seen: Seen): () => void {
  const scroller = element.closest(".main") ?? document.documentElement;
  let watcher = watchers.get(scroller);
  if (watcher === undefined) {
    const all = new Map<Element, Seen>();
    const root = scroller === document.documentElement ? null : scroller;
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) all.get(target)?.(isIntersecting);
      },
      { root, rootMargin: AROUND },
    );
    watcher = { observer, seen: all };
    watchers.set(scroller, watcher);
  }
  const { observer, seen: all } = watcher;
  all.set(element, seen);
  observer.observe(element);
  return () => {
    all.delete(element);
    observer.unobserve(element);
  };
}

interface Props<Item> {
  items: Item[];
  keyOf(item: Item): string;
  /** A row; always the same function, or every row is drawn anew. */
  children(item: Item): ReactNode;
  className?: string;
}

/** A list as long as it may be, of which only the rows near what is in sight are in the page. */
export function InSight<Item>({ items, ...rest }: Props<Item>) {
  const blocks = Math.ceil(items.length / ROWS);
  return Array.from({ length: blocks }, (_, block) => (
    <Block
      // biome-ignore lint/suspicious/noArrayIndexKey: a block is a place, whoever stands there
      key={block}
      items={items.slice(block * ROWS, (block + 1) * ROWS) as unknown[]}
      first={block === 0}
      {...(rest as Omit<Props<unknown>, "items">)}
    />
  ));
}

/** Whether the same things stand in the same places. */
export function sameItems(before: unknown[], after: unknown[]): boolean {
  return before.length === after.length && before.every((item, place) => item === after[place]);
}

const Block = memo(
  function Block({ items, keyOf, children, className, first }: Props<unknown> & { first: boolean }) {
    const list = useRef<HTMLUListElement>(null);
    const [near, setNear] = useState(first);
    const height = useRef(0);
    useEffect(() => {
      const element = list.current;
      if (element === null) return;
      return watchSight(element, (sight) => {
        if (!sight && element.childElementCount > 0) height.current = element.offsetHeight;
        setNear(sight);
      });
    }, []);
    return (
      <ul
        ref={list}
        className={className ? `inSight ${className}` : "inSight"}
        style={near ? undefined : { height: height.current || items.length * ROW }}
        aria-hidden={!near || undefined}
      >
        {near && items.map((item) => <li key={keyOf(item)}>{children(item)}</li>)}
      </ul>
    );
  },
  (before, after) =>
    before.children === after.children &&
    before.className === after.className &&
    sameItems(before.items, after.items),
);
