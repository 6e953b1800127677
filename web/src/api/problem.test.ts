import { afterEach, describe, expect, it, vi } from "vitest";
import { ask, overNetwork } from "@/api/client";
import { asProblem, Problem } from "@/api/problem";

const request = new Request("http://server.example/api/v1/me");

async function thrownBy(asked: Promise<unknown>): Promise<Problem> {
  return asProblem(await asked.then(() => undefined).catch((thrown: unknown) => thrown));
}

describe("what was thrown", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is a connection that is missing when nothing was fetched", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    expect((await thrownBy(overNetwork(request))).code).toBe("no_network");
  });

  it("is one also when an answer broke off", async () => {
    const breaks = new ReadableStream({ start: (body) => body.error(new TypeError("network error")) });
    vi.stubGlobal("fetch", async () => new Response(breaks));
    expect((await thrownBy(overNetwork(request))).code).toBe("no_network");
  });

  it.each([
    "Failed to fetch dynamically imported module: https://pbx.example/assets/Page-1.js",
    "error loading dynamically imported module: https://pbx.example/assets/Page-1.js",
    "Importing a module script failed.",
  ])("is one when a page's script did not come: %s", (words) => {
    expect(asProblem(new TypeError(words)).code).toBe("no_network");
  });

  it("is a fault of ours when we have made a mistake", async () => {
    const mistake = () => (undefined as unknown as string[]).map(String);
    const asked = Promise.resolve().then(mistake);
    expect((await thrownBy(asked)).code).toBe("fault");
    expect((await thrownBy(ask(asked as never))).code).toBe("fault");
  });

  it("stays the problem that it was", () => {
    const problem = new Problem({ status: 404, code: "not_found", detail: "No such call." });
    expect(asProblem(problem)).toBe(problem);
  });
});

describe("an answer", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("comes with its status, headers and body", async () => {
    const headers = { ETag: '"7"', "Content-Type": "application/json" };
    vi.stubGlobal("fetch", async () => new Response('{"name":"Lan"}', { status: 201, headers }));
    const answer = await overNetwork(request);
    expect([answer.status, answer.headers.get("ETag")]).toEqual([201, '"7"']);
    expect(await answer.json()).toEqual({ name: "Lan" });
  });

  it("may be empty", async () => {
    vi.stubGlobal("fetch", async () => new Response(null, { status: 204 }));
    expect((await overNetwork(request)).status).toBe(204);
  });
});
