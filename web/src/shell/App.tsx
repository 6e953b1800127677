import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { isRefusal, Problem, retryPause } from "@/api/problem";
import { isOutsideOpen } from "@/outside/open";
import { Awaited } from "@/shell/Messages";
import { MeProvider, useSession } from "@/shell/me";
import { router } from "@/shell/router";
import { SignIn } from "@/shell/SignIn";
import { theme } from "@/shell/theme";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";

const queries = new QueryClient({
  defaultOptions: {
    // a browser that believes itself offline tells why nothing comes, instead of waiting for ever
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      staleTime: 30_000,
      retry: (_, error) => !isRefusal(error), // until it is there, or nobody wants to see it any more
      retryDelay: retryPause,
    },
  },
});

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Whoever />
      </QueryClientProvider>
    </MantineProvider>
  );
}

const Split = lazy(async () => ({ default: (await import("@/outside/Split")).Split }));

function Whoever() {
  const session = useSession();
  const me = session.data;
  const [outside] = useState(isOutsideOpen);
  let page: ReactNode = null;
  if (session.error instanceof Problem && session.error.status === 401) page = <SignIn />;
  else if (me !== undefined) {
    page = (
      <MeProvider key={me.email} value={me}>
        <RouterProvider router={router} />
      </MeProvider>
    );
  } else if (session.failureReason) page = <Awaited query={session} />;
  if (!outside) return page;
  return (
    <Suspense>
      <Split me={me}>{page}</Split>
    </Suspense>
  );
}
