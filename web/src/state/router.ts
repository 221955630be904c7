// Where we are. The address bar is the state: a search, a page, a choice can be sent to a colleague as a link.
import { signal } from "@preact/signals";

export const path = signal(location.pathname);
export const query = signal(new URLSearchParams(location.search));

function read(): void {
  path.value = location.pathname;
  query.value = new URLSearchParams(location.search);
}
addEventListener("popstate", read);

/** Goes to `to`, an address within the dashboard. With `replace` the back button skips where we are. */
export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return;
  const moved = new URL(to, location.href).pathname !== location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  read();
  if (moved) {
    scrollTo(0, 0);
    // A screen reader must hear of the new page: the focus goes to its heading.
    queueMicrotask(() => requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true })));
  }
}

/** The address of the page we are on with other parameters; empty ones are left out. */
export function here(changes: Record<string, string | null | undefined>): string {
  const next = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  return path.value + (text ? "?" + text : "");
}

/** A path from parts that may hold anything: ids and names are escaped. */
export function to(...parts: string[]): string {
  return "/" + parts.map(encodeURIComponent).join("/");
}

/** An address from outside, if it is one within the dashboard; else the first page. */
export function within(address: string | null): string {
  try {
    const there = new URL(address ?? "/", location.origin);
    return there.origin === location.origin ? there.pathname + there.search : "/";
  } catch {
    return "/";
  }
}

/** The parts of the present path, unescaped. */
export function parts(): string[] {
  return path.value
    .split("/")
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}
