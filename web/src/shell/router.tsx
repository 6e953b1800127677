import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { OUTSIDE } from "@/outside/open";
import { Layout } from "@/shell/Layout";
import { Failed, NotFound } from "@/shell/Messages";
import { PAGES } from "@/shell/pages";

const root = createRootRoute({ component: Layout, notFoundComponent: NotFound });

const homes = ["/", OUTSIDE].map((path) =>
  createRoute({
    getParentRoute: () => root,
    path,
    beforeLoad: () => {
      throw redirect({ to: "/phone" });
    },
  }),
);

const pages = PAGES.map((page) =>
  createRoute({
    getParentRoute: () => root,
    path: page.path,
    component: lazyRouteComponent(page.load, "Page"),
    errorComponent: ({ error }) => <Failed error={error} again={() => location.reload()} />,
  }),
);

export const router = createRouter({
  routeTree: root.addChildren([...homes, ...pages]),
  defaultPreload: "intent",
  scrollRestoration: true,
});
