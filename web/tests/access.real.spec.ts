// Who may what, before servers that ask who one is, that change nothing, that hide what is secret.
import { expect, get, noFaults, open, settled, test, told, agree, type Found } from "./support";
import type { APIRequestContext, Page } from "@playwright/test";

async function logIn(page: Page, name: string, to: string): Promise<void> {
  await page.goto(to);
  await expect(page.getByRole("heading", { name: "Log in to lovage" })).toBeVisible();
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(`secret of ${name}`);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await settled(page);
  await expect(page.locator(".who")).toContainText(name);
}
/** What becomes of a write that does not come from the page's buttons. */
async function write(ask: APIRequestContext, where: string): Promise<number> {
  const session = await ask.get("/api/v1/session");
  const { csrf } = (await session.json()) as { csrf?: string };
  return (await ask.post("/api/v1/" + where, { data: {}, headers: { "X-CSRF-Token": csrf ?? "" } })).status();
}

test.describe("a server with logins", () => {
  test.use({ baseURL: process.env.LOVAGE_WEB_URL_LOGIN });

  test("shows nothing before one has logged in, and says what was wrong", async ({ page, context }) => {
    for (const where of ["overview", "tasks", "workers", "settings", "live"]) expect((await context.request.get("/api/v1/" + where)).status(), where).toBe(401);
    expect(await write(context.request, "queues/celery/pause")).toBe(401);
    await page.goto("/queues?x=1");
    await expect(page).toHaveURL(/\/login\?next=/);
    await noFaults(page);
    await page.getByLabel("User name").fill("ann");
    await page.getByLabel("Password").fill("not her secret");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toContainText("the name or the password is wrong");
  });

  test("lets an operator act, keeps who it was, and lets nobody in after the end", async ({ page, context }) => {
    await logIn(page, "ann", "/queues?x=1");
    await expect(page).toHaveURL(/\/queues\?x=1$/);
    await page.getByRole("button", { name: "Pause reports", exact: true }).click();
    await agree(page, "Pause");
    await told(page, "reports is paused.");
    await page.getByRole("button", { name: "Resume reports", exact: true }).click();
    await told(page, "reports goes on.");
    await open(page, "/audit");
    await expect(page.locator("tbody tr", { hasText: "pause" }).filter({ hasText: "ann" })).toHaveCount(1);
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page).toHaveURL(/\/login/);
    expect((await context.request.get("/api/v1/overview")).status()).toBe(401);
    await page.goto("/tasks");
    await expect(page).toHaveURL(/\/login/);
  });

  test("shows a viewer all, and refuses what is done past the buttons", async ({ page, context }) => {
    await logIn(page, "bob", "/workers");
    await expect(page.locator(".banner")).toContainText("Your role is viewer");
    const stop = page.getByRole("button", { name: /^Shut down/ }).first();
    await expect(stop).toHaveAttribute("aria-disabled", "true");
    await stop.click({ force: true });
    await expect(page.getByRole("dialog")).toHaveCount(0);
    expect(await write(context.request, "queues/reports/purge")).toBe(403);
    await open(page, "/audit");
    await expect(page.locator("tbody tr", { hasText: "purge" }).filter({ hasText: "bob" })).toContainText("403");
  });

  test("makes one who guesses wait", async ({ page, context }) => {
    const guess = () => context.request.post("/api/v1/session", { data: { user: "eve", password: "is it this?" } });
    for (let i = 0; i < 5; i++) await guess();
    await page.goto("/login");
    // Each failure doubles the time to wait: sooner or later the page's guess is within it.
    await expect(async () => {
      await guess();
      await page.getByLabel("User name").fill("eve");
      await page.getByLabel("Password").fill("or this?");
      const answered = page.waitForResponse((answer) => answer.url().endsWith("/session") && answer.request().method() === "POST");
      await page.keyboard.press("Enter");
      expect((await answered).status()).toBe(429);
    }).toPass();
    await expect(page.getByRole("alert")).toContainText("too many wrong passwords");
  });
});

test.describe("a server before which others say who one is", () => {
  test.use({ baseURL: process.env.LOVAGE_WEB_URL_SSO });

  async function logInThere(page: Page, email: string, to: string): Promise<void> {
    await page.goto(to);
    await page.getByRole("link", { name: "Log in with single sign-on" }).click();
    await expect(page).toHaveTitle("Who are you?");
    await page.getByLabel("E-mail").fill(email);
    await page.getByRole("button", { name: "Go on" }).click();
  }

  test("lets in whom the provider names, as what it is, until it logs out", async ({ page, context }) => {
    await logInThere(page, "ann@example.org", "/queues?x=1");
    await settled(page);
    await expect(page).toHaveURL(/\/queues\?x=1$/);
    await expect(page.locator(".who")).toContainText("ann@example.org");
    await page.getByRole("button", { name: "Pause reports", exact: true }).click();
    await agree(page, "Pause");
    await told(page, "reports is paused.");
    await page.getByRole("button", { name: "Resume reports", exact: true }).click();
    await told(page, "reports goes on.");
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page).toHaveURL(/\/login/);
    expect((await context.request.get("/api/v1/overview")).status()).toBe(401);
    await logInThere(page, "cyd@example.org", "/queues");
    await settled(page);
    await expect(page.locator(".banner")).toContainText("Your role is viewer");
    expect(await write(context.request, "queues/reports/purge")).toBe(403);
  });

  test("keeps out whom nobody allowed, and an answer that nobody asked for", async ({ page, context }) => {
    await logInThere(page, "mallory@example.com", "/queues");
    await expect(page.getByRole("alert")).toContainText("nobody has allowed it here");
    await noFaults(page);
    expect((await context.request.get("/api/v1/overview")).status()).toBe(401);
    expect((await context.request.get("/login/oidc/callback?code=guessed&state=guessed")).status()).toBe(403);
  });

  test("believes the proxy's header, and takes each request for what it says", async ({ browser, baseURL }) => {
    const named = async (name: string) => browser.newContext({ baseURL, extraHTTPHeaders: { [process.env.LOVAGE_WEB_PROXY_HEADER!]: name } });
    const ann = await named("ann@example.org");
    const page = await ann.newPage();
    await open(page, "/workers");
    await expect(page.locator(".who")).toContainText("ann@example.org");
    expect(await write(ann.request, "queues/reports/resume")).toBe(200);
    await ann.close();
    const cyd = await named("cyd@example.org");
    const other = await cyd.newPage();
    await open(other, "/workers");
    await expect(other.locator(".banner")).toContainText("Your role is viewer");
    expect(await write(cyd.request, "queues/reports/purge")).toBe(403);
    await cyd.close();
    const mallory = await named("mallory@example.com");
    expect((await mallory.request.get("/api/v1/overview")).status()).toBeGreaterThanOrEqual(401);
    await mallory.close();
  });
});

test.describe("a server that is read-only", () => {
  test.use({ baseURL: process.env.LOVAGE_WEB_URL_READ_ONLY });

  test("offers nothing to change on any page, and refuses it", async ({ page, context }) => {
    const can = page.locator("main .act:not([aria-disabled=true]):not(a)", { hasText: /Restart|Shut down|Send|Purge|Pause|Drop|Run|Remove|Add|Edit|Chosen|All matching/ });
    for (const where of ["/workers", "/tasks", "/queues", "/dead", "/schedule", "/failures"]) {
      await open(page, where);
      await expect(page.locator(".banner")).toContainText("Read-only mode");
      await expect(page.locator("main .act[aria-disabled=true]").first()).toBeVisible();
      await expect(can).toHaveCount(0);
    }
    for (const where of ["queues/reports/purge", "workers/shop@web-1/shutdown", "dead/purge", "schedule/hourly-index/run", "tasks/actions"])
      expect(await write(context.request, where), where).toBe(403);
  });

  test("hides what tasks were called with", async ({ page, context }) => {
    const { tasks } = await get<Found>(context.request, "tasks?name=interop.join&state=SUCCESS&limit=1");
    await open(page, "/tasks/" + tasks[0]!.id);
    await expect(page.locator("main")).toContainText("masked by the setting web_mask_arguments");
    await expect(page.locator("main")).not.toContainText("@example.org");
    expect(await (await context.request.get("/api/v1/tasks?name=interop.join")).text()).not.toContain("@example.org");
  });
});

test("secrets among the settings are in no page and in no answer", async ({ page, context }) => {
  const secrets = process.env.LOVAGE_WEB_SECRETS!.split(" ");
  await open(page, "/settings");
  await expect(page.locator("tbody tr", { hasText: "web_auth_secret" })).toContainText("secret");
  for (const where of ["settings", "health", "session", "alerts", "workers/shop@web-1"]) {
    const text = await (await context.request.get("/api/v1/" + where)).text();
    for (const secret of secrets) expect(text.includes(secret), where).toBe(false);
  }
  for (const secret of secrets) expect((await page.content()).includes(secret)).toBe(false);
});
