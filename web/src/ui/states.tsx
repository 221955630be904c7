// What a page shows when there is nothing, not yet, or no longer.
import type { ComponentChildren } from "preact";
import { visible } from "../format";
import { t } from "../i18n";
import type { Loaded } from "../state/load";
import { Act } from "./basics";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

export function Failed({ text, again }: { text: string; again?: () => void }) {
  return (
    <div class="failed" role="alert">
      <p>
        <strong>{t("error.title")}</strong> <bdi>{visible(text.slice(0, 1000))}</bdi>
      </p>
      {again && <Act small icon="refresh" onClick={again}>{t("error.again")}</Act>}
    </div>
  );
}

/** Shows `children(data)`; the error above what was there before, grey bars while nothing is there yet. */
export function Ready<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      {of.error && <Failed text={of.error.message} again={of.reload} />}
      {of.data === null
        ? !of.error && (
            <div class="waiting" role="status">
              <span class="sr">{t("loading")}</span>
              <span class="bar" /> <span class="bar" /> <span class="bar" />
            </div>
          )
        : children(of.data)}
    </>
  );
}
