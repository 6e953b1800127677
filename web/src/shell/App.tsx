import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Problem } from "@/api/problem";
import { isOutsideOpen } from "@/outside/open";
import { Failed } from "@/shell/Messages";
import { MeProvider, useSession } from "@/shell/me";
import { router } from "@/shell/router";
import { SignIn } from "@/shell/SignIn";
import { theme } from "@/shell/theme";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (count, error) =>
        count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
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
  const { data: me, error, refetch } = useSession();
  const [outside] = useState(isOutsideOpen);
  let page: ReactNode = null;
  if (error instanceof Problem && error.status === 401) page = <SignIn />;
  else if (me !== undefined) {
    page = (
      <MeProvider key={me.email} value={me}>
        <RouterProvider router={router} />
      </MeProvider>
    );
  } else if (error) page = <Failed error={error} reset={refetch} />;
  if (!outside) return page;
  return (
    <Suspense>
      <Split me={me}>{page}</Split>
    </Suspense>
  );
}
