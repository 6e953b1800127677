import { useInfiniteQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useMemo, useState } from "react";
import { api, ask, type Person } from "@/api/client";
import { useTenant } from "@/shell/me";

/** Which rows of a long list are in sight of its scrolling element, and a few around them. */
export function useWindow(scroller: RefObject<HTMLElement | null>, count: number, height: number) {
  const [span, setSpan] = useState({ top: 0, height: 800 });
  // in steps of several rows, so that most movements draw nothing anew
  const step = height * 4;
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    let frame = 0;
    const look = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const seen = { top: Math.floor(element.scrollTop / step) * step, height: element.clientHeight };
        setSpan((before) => (before.top === seen.top && before.height === seen.height ? before : seen));
      });
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [scroller, step]);
  const first = Math.max(0, Math.min(Math.floor(span.top / height) - 8, count - 1));
  const last = Math.min(count, Math.ceil((span.top + step + span.height) / height) + 8);
  return { first, last };
}

/** The people of the company by name, page after page. */
export function useEverybody(q: string) {
  const tenant = useTenant();
  const query = useInfiniteQuery({
    queryKey: ["person", tenant, "all", q],
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/people", {
          params: { path: { tenant }, query: { q, limit: 200, cursor: pageParam } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const pages = query.data?.pages;
  const people: Person[] = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages]);
  return { ...query, people };
}
