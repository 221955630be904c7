// Light, dark, or as the system has it.
import { computed, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", () => (systemDark.value = system.matches));

const stored = document.documentElement.dataset.theme; // early.ts read it
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "auto");
export const dark = computed(() => (theme.value === "auto" ? systemDark.value : theme.value === "dark"));

export function setTheme(to: Theme): void {
  if (to === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = to;
  theme.value = to;
  try {
    localStorage.setItem("lovage.theme", to);
  } catch {
    // It lasts until the page is left.
  }
}
