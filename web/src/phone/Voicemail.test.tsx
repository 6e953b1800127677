import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Me } from "@/api/client";
import { Problem } from "@/api/problem";
import { Voicemail } from "@/phone/Voicemail";
import { startSpeaking } from "@/shell/i18n";
import { MeProvider } from "@/shell/me";

const me: Me = { role: "employee", name: "Lan", email: "l@x.test", tenant: "t", person: "p", events: "" };
const caller = { kind: "outside", number: "+84912345678", name: "Khanh" };

const server = vi.hoisted(() => ({ saved: false, refusals: [] as number[] }));
vi.mock("@/api/client", () => ({
  ask: (answer: Promise<unknown>) => answer,
  api: {
    GET: async () => [{ id: "m", caller, at: "2026-01-01T00:00:00Z", seconds: 2, saved: server.saved }],
    PATCH: async () => {
      const status = server.refusals.shift();
      if (status) throw new Problem({ status, code: "a_problem", detail: "It does not go." });
      server.saved = true;
    },
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no sound here")));
  startSpeaking();
  return () => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  };
});

let close: () => Promise<void>;
afterEach(() => close());

/** The list of messages, of which the one that is there was just listened to. */
async function listened(...refusals: number[]): Promise<HTMLElement> {
  Object.assign(server, { saved: false, refusals });
  const place = document.body.appendChild(document.createElement("main"));
  const root = createRoot(place);
  close = () => act(async () => root.unmount());
  await act(async () =>
    root.render(
      <MantineProvider>
        <QueryClientProvider client={new QueryClient()}>
          <MeProvider value={me}>
            <Voicemail onCall={() => {}} />
          </MeProvider>
        </QueryClientProvider>
      </MantineProvider>,
    ),
  );
  await pass(10);
  expect(place.querySelector(".new")).not.toBeNull();
  await act(async () => void place.querySelector("audio")?.dispatchEvent(new Event("ended")));
  await pass(10);
  return place;
}

const pass = (ms: number) => act(async () => void (await vi.advanceTimersByTimeAsync(ms)));

it("counts a message as heard when it was listened to", async () => {
  const place = await listened();
  expect(place.querySelector(".new")).toBeNull();
});

it("does so too when the server was silent for a moment, and says meanwhile why not yet", async () => {
  const place = await listened(503, 0);
  expect(place.querySelector("[role=alert]")?.textContent).toContain("It does not go.");
  await pass(2_000);
  expect(place.querySelector(".new")).toBeNull();
  expect(place.querySelector("[role=alert]")).toBeNull();
});

it("takes no for an answer", async () => {
  const place = await listened(403);
  await pass(60_000);
  expect(place.querySelector(".new")).not.toBeNull();
  expect(place.querySelector("[role=alert]")?.textContent).toContain("It does not go.");
});
