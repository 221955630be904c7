// Keyboard shortcuts. They are off while one types, and in dialogs.
import { signal } from "@preact/signals";
import { places } from "./places";
import { paused } from "./state/live";
import { go } from "./state/router";

export const keysShown = signal(false);
const patience = 1500; // ms between `g` and the letter

export function installKeys(): () => void {
  let led = 0;
  const pressed = (event: KeyboardEvent) => {
    const at = event.target as HTMLElement | null;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (at?.closest("input, textarea, select, dialog")) {
      if (event.key === "Escape" && at.id === "search") at.blur();
      return;
    }
    const place = Date.now() - led < patience ? places.find((one) => one.key === event.key) : undefined;
    led = 0;
    if (place) go(place.at);
    else if (event.key === "g") led = Date.now();
    else if (event.key === "/") document.getElementById("search")?.focus();
    else if (event.key === "?") keysShown.value = true;
    else if (event.key === ".") paused.value = !paused.value;
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
