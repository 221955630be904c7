import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { keysShown } from "../keys";
import { places } from "../places";

export function KeysHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (keysShown.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [keysShown.value]);
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="keys-title" onClose={() => (keysShown.value = false)}>
      <h2 id="keys-title">{t("keys.title")}</h2>
      <dl class="keys">
        <div><dt><kbd>/</kbd></dt><dd>{t("keys.search")}</dd></div>
        <div><dt><kbd>.</kbd></dt><dd>{t("keys.pause")}</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>{t("keys.help")}</dd></div>
        {places.map((place) => (
          <div key={place.at}>
            <dt><kbd>g</kbd> <kbd>{place.key}</kbd></dt>
            <dd>{t(place.name)}</dd>
          </div>
        ))}
      </dl>
      <div class="ask-buttons">
        <button type="button" class="act main" onClick={() => (keysShown.value = false)}>{t("keys.close")}</button>
      </div>
    </dialog>
  );
}
