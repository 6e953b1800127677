import { afterEach, describe, expect, it, vi } from "vitest";
import { isOutdated, scriptOf, whatToDo } from "@/shell/version";

const html = (hash: string) =>
  `<!doctype html><script type="module" crossorigin src="/assets/index-${hash}.js"></script>`;

describe("a new version", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    [{ busy: true, hidden: true, idle: 1e9 }, "wait"],
    [{ busy: false, hidden: true, idle: 0 }, "reload"],
    [{ busy: false, hidden: false, idle: 120_000 }, "reload"],
    [{ busy: false, hidden: false, idle: 1_000 }, "offer"],
  ] as const)("in %o: %s", (situation, what) => {
    expect(whatToDo(situation)).toBe(what);
  });

  it("is one whose first script is another", async () => {
    const page = new DOMParser().parseFromString(html("aaa"), "text/html");
    expect(scriptOf(html("aaa"))).toBe("/assets/index-aaa.js");
    for (const [answer, outdated] of [
      [new Response(html("aaa")), false],
      [new Response(html("bbb")), true],
      [new Response("down for maintenance", { status: 503 }), false],
      [new Response("something else"), false],
    ] as const) {
      vi.stubGlobal("fetch", async () => answer);
      expect(await isOutdated(page)).toBe(outdated);
    }
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    expect(await isOutdated(page)).toBe(false);
  });
});
