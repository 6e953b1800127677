import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, expect, it, vi } from "vitest";
import type { Me } from "@/api/client";
import { AccountCorner } from "@/shell/AccountCorner";
import { startSpeaking } from "@/shell/i18n";
import { MeProvider } from "@/shell/me";

vi.mock("@/shell/AccountMenu", () => {
  throw new TypeError("Failed to fetch dynamically imported module");
});

const asked = vi.hoisted(() => vi.fn(async () => ({ response: new Response(null, { status: 204 }) })));
vi.mock("@/api/client", () => ({ api: { POST: asked }, ask: (answer: Promise<unknown>) => answer }));

afterEach(() => vi.unstubAllGlobals());

const me: Me = {
  role: "provider",
  name: "Operator",
  email: "o@x.test",
  tenant: null,
  person: null,
  events: "",
};

it("lets one sign out where its menu could not be loaded", async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  startSpeaking();
  const place = document.body.appendChild(document.createElement("nav"));
  const root = createRoot(place);
  await act(async () =>
    root.render(
      <MantineProvider>
        <QueryClientProvider client={new QueryClient()}>
          <MeProvider value={me}>
            <AccountCorner />
          </MeProvider>
        </QueryClientProvider>
      </MantineProvider>,
    ),
  );
  await vi.waitFor(() => expect(place.querySelector("button")).not.toBeNull());
  const out = place.querySelector<HTMLButtonElement>('button[aria-label="Sign out"]');
  expect(place.textContent).toContain("Operator");
  await act(async () => out?.click());
  expect(asked).toHaveBeenCalledWith("/api/v1/sign-out");
  await act(async () => root.unmount());
});
