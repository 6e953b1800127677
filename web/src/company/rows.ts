import { useInfiniteQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useState } from "react";
import { api, ask, type Person } from "@/api/client";
import { useTenant } from "@/shell/me";

/** Which rows of a long list are in sight of its scrolling element, and a few around them. */
export function useWindow(scroller: RefObject<HTMLElement | null>, count: number, height: number) {
  const [span, setSpan] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    let frame = 0;
    const look = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setSpan({ top: element.scrollTop, height: element.clientHeight }));
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [scroller]);
  const first = Math.max(0, Math.min(Math.floor(span.top / height) - 8, count - 1));
  const last = Math.min(count, Math.ceil((span.top + span.height) / height) + 8);
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
  const people: Person[] = query.data?.pages.flatMap((page) => page.items) ?? [];
  return { ...query, people };
}
