// Names, arguments and errors that try to be markup, to turn the text round, or to burst the page.
import { addresses, expect, fits, noFaults, open, real, shoot, test } from "./support";

test.use({ mode: "hostile" });

for (const half of [0, 1])
  test(`hostile texts stay texts on every page, wide and narrow, half ${half + 1}`, async ({ page }) => {
    let asked = 0;
    page.on("request", (request) => {
      if (/\/x$/.test(new URL(request.url()).pathname)) asked++;
    });
    page.on("dialog", () => asked++);
    const all = await addresses(page);
    for (const [name, address] of Object.entries(all).filter((_, i) => i % 2 === half)) {
      await page.setViewportSize({ width: 1360, height: 800 });
      await open(page, address);
      await fits(page);
      expect(await page.locator("main img, main script, main iframe, [onerror]").count(), name).toBe(0);
      expect(await page.evaluate(() => (window as unknown as { hacked?: unknown }).hacked), name).toBeUndefined();
      expect(await page.locator("a[href^='javascript:']").count(), name).toBe(0);
      if (name === "tasks") await noFaults(page);
      await page.setViewportSize({ width: 360, height: 800 });
      await fits(page);
      await shoot(page, `hostile-${name}`);
    }
    expect(asked).toBe(0);
  });

test("markup and unseen characters are shown as what they are", async ({ page }) => {
  await open(page, real ? "/tasks?q=onerror" : "/tasks");
  await expect(page.locator("tbody")).toContainText("<img src=x onerror=");
  if (!real) await expect(page.locator("tbody")).toContainText("⟨U+202E⟩");
});
