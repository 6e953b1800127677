import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The pages go into the Python package that serves them (src/tongdai/api/site.py).
export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: "../src/tongdai/api/pages",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    cssTarget: ["chrome123", "safari17.5", "firefox121"], // light-dark() as it is
    assetsInlineLimit: 0, // the CSP lets no script or font come out of a data: address
    chunkSizeWarningLimit: 800,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/api": { target: "http://127.0.0.1:8080", ws: true } },
    fs: { allow: [".", "../src/tongdai"] }, // a test reads what the server writes into its audit log
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
