// Who may what: viewer, read-only, logging in; a server that is broken, a stream that is cut, a cluster that is empty.
import { expect, noFaults, open, settled, shoot, test } from "./support";

test.describe("viewer", () => {
  test.use({ mode: "viewer" });
  test("sees all, changes nothing, and is told why", async ({ page }) => {
    await open(page, "/queues");
    await expect(page.locator(".banner")).toContainText("Your role is viewer");
    const purge = page.getByRole("button", { name: /^Purge/ }).first();
    await expect(purge).toHaveAttribute("aria-disabled", "true");
    await expect(purge).toHaveAttribute("title", /Ask for the role operator/);
    await purge.click({ force: true });
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await noFaults(page);
  });
});

test.describe("read-only", () => {
  test.use({ mode: "read_only" });
  test("nothing can be changed on any page", async ({ page }) => {
    for (const where of ["/workers", "/tasks", "/queues", "/dead", "/schedule", "/failures"]) {
      await open(page, where);
      await expect(page.locator(".banner")).toContainText("Read-only mode");
      const open_ = page.locator("main .act:not([aria-disabled=true]):not(a)", { hasText: /Restart|Shut down|Send a task|Purge|Pause|Drop|Send all|Run now|Remove|Add|Run all|Chosen|All matching/ });
      await expect(open_).toHaveCount(0);
    }
  });
});

test.describe("login", () => {
  test.use({ mode: "login" });
  test("is asked for, refused with a reason, given, and leads to where one wanted to go", async ({ page }) => {
    await page.goto("/queues?x=1");
    await expect(page).toHaveURL(/\/login\?next=/);
    await expect(page.getByRole("heading", { name: "Log in to lovage" })).toBeVisible();
    await noFaults(page);
    await shoot(page, "login");
    await page.getByLabel("User name").fill("ann");
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toContainText("User name or password is wrong.");
    await page.getByLabel("Password").fill("secret");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await settled(page);
    await expect(page).toHaveURL(/\/queues\?x=1$/);
    await expect(page.locator(".who")).toContainText("ann");
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page).toHaveURL(/\/login/);
  });

  test("an address of strangers is not followed after it", async ({ page }) => {
    await page.goto("/login?next=https%3A%2F%2Fevil.example%2F");
    await page.getByLabel("User name").fill("ann");
    await page.getByLabel("Password").fill("secret");
    await page.keyboard.press("Enter");
    await settled(page);
    expect(new URL(page.url()).hostname).toBe("127.0.0.1");
  });
});

test.describe("broken broker", () => {
  test.use({ mode: "broken" });
  test("the error names the fix and can be tried again", async ({ page }) => {
    await page.goto("/queues");
    await expect(page.getByRole("alert")).toContainText("does not answer. Start it, or correct broker_url.");
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
    await noFaults(page);
    await shoot(page, "broken");
  });
});

test.describe("empty cluster", () => {
  test.use({ mode: "empty" });
  test("every page says what to do", async ({ page }) => {
    const hints: Record<string, string> = {
      "/workers": "lovage worker -A ./libtasks.so -E", "/tasks": "lovage call shop.add 2 3", "/queues": "No queues yet.", "/dead": "The dead set is empty.",
      "/schedule": "lovage schedule add", "/failures": "Nothing failed", "/audit": "No action has been taken yet.", "/": "lovage worker -A ./libtasks.so -E",
    };
    for (const [where, hint] of Object.entries(hints)) {
      await open(page, where);
      await expect(page.locator("main")).toContainText(hint);
      await noFaults(page);
    }
    await shoot(page, "empty");
  });
});

test.describe("stream", () => {
  test.use({ mode: "cut" });
  test("a cut stream is told and comes back by itself", async ({ page, context }) => {
    await open(page, "/");
    await expect(page.getByRole("button", { name: /^Live/ })).toBeVisible();
    await context.request.get("/mock/cut");
    await expect(page.locator(".banner.bad")).toContainText("No connection to the server");
    await context.request.get("/mock/mend");
    await expect(page.locator(".banner.bad")).toHaveCount(0, { timeout: 40_000 });
    await expect(page.getByRole("button", { name: /^Live/ })).toBeVisible();
  });
});

test("reduced motion stands still", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(page, "/");
  expect(await page.locator(".live .dot").evaluate((dot) => getComputedStyle(dot).animationName)).toBe("none");
});
