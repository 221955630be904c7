// What came of an action, said at the edge of the page and to screen readers.
import { signal } from "@preact/signals";
import { visible } from "../format";
import { t } from "../i18n";
import { Icon } from "./icons";

interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad";
}
const toasts = signal<Toast[]>([]);
let last = 0;

const drop = (id: number) => (toasts.value = toasts.value.filter((one) => one.id !== id));

function add(text: string, tone: Toast["tone"]): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { id, text, tone }];
  if (tone === "good") setTimeout(() => drop(id), 8000); // an error stays until it is read
}

export const said = (text: string): void => add(text, "good");
export const complain = (text: string): void => add(text, "bad");

/** Does it and says what came of it. Returns whether it went well. */
export async function doing(what: () => Promise<string>): Promise<boolean> {
  try {
    said(await what());
    return true;
  } catch (reason) {
    complain(reason instanceof Error ? reason.message : String(reason));
    return false;
  }
}

export function Toasts() {
  return (
    <div class="toasts" role="region" aria-label={t("toasts.label")} aria-live="polite">
      {toasts.value.map((one) => (
        <div key={one.id} class={"toast " + one.tone}>
          <span aria-hidden="true">{one.tone === "good" ? "✓" : "✕"}</span>
          <bdi>{visible(one.text.slice(0, 600))}</bdi>
          <button type="button" class="ghost" aria-label={t("toasts.close")} onClick={() => drop(one.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
