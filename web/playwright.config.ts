// npm test: the made-up server (mock/), or with LOVAGE_WEB_URL a dashboard that runs, as tests/web/run starts it.
import { defineConfig } from "@playwright/test";

const real = process.env.LOVAGE_WEB_URL;
const last = /zz-last\.spec\.ts$/; // ends the workers
const port = Number(process.env.MOCK_PORT ?? 5600);

export default defineConfig({
  testDir: "tests",
  outputDir: process.env.LOVAGE_WEB_OUTPUT ?? "../build/web-tests",
  fullyParallel: false,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  forbidOnly: true,
  projects: [
    { name: "pages", testIgnore: [real ? /\.mock\.spec\.ts$/ : /\.real\.spec\.ts$/, last] },
    { name: "last", testMatch: last, dependencies: ["pages"] },
  ],
  use: {
    baseURL: real ?? `http://127.0.0.1:${port}`,
    locale: "en-GB",
    viewport: { width: 1360, height: 850 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] },
    trace: "off",
    screenshot: "only-on-failure",
  },
  webServer: real ? undefined : { command: "npm run -s build && node mock/server.mjs", url: `http://127.0.0.1:${port}/`, env: { MOCK_PORT: String(port) }, reuseExistingServer: false, timeout: 120_000 },
});
