import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { Problem } from "@/api/problem";
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

function Whoever() {
  const { data: me, error, refetch } = useSession();
  if (error instanceof Problem && error.status === 401) return <SignIn />;
  if (me !== undefined) {
    return (
      <MeProvider value={me}>
        <RouterProvider router={router} />
      </MeProvider>
    );
  }
  return error ? <Failed error={error} reset={refetch} /> : null;
}
