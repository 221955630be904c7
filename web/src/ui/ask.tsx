// Asking before acting: one dialog for every question, with fields where an action needs values.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { visible } from "../format";
import { t } from "../i18n";

export interface Field {
  name: string;
  label: string;
  kind?: "text" | "number" | "json";
  value?: string;
  hint?: string;
  min?: number;
  optional?: boolean;
  options?: string[];
  is?: "array" | "object";
}
export interface Question {
  title: string;
  text?: string;
  yes: string;
  danger?: boolean;
  fields?: Field[];
  /** To be typed in before the button works: for what cannot be undone and is big. */
  type?: string;
}
export type Answers = Record<string, string>;

const asked = signal<{ question: Question; answer: (given: Answers | null) => void } | null>(null);

/** The fields' values; null when the user thought better of it. */
export function ask(question: Question): Promise<Answers | null> {
  asked.value?.answer(null);
  return new Promise((resolve) => {
    asked.value = {
      question,
      answer: (given) => {
        asked.value = null;
        resolve(given);
      },
    };
  });
}

/** What is wrong with a value, as a sentence; null when nothing is. */
function fault(field: Field, value: string): string | null {
  if (!value.trim()) return field.optional ? null : t("ask.missing");
  if (field.kind === "number") {
    const n = Number(value);
    if (!Number.isFinite(n)) return t("ask.not_a_number");
    if (field.min !== undefined && n < field.min) return t("ask.at_least", { least: field.min });
  }
  if (field.kind === "json") {
    try {
      const read: unknown = JSON.parse(value);
      if (field.is === "array" && !Array.isArray(read)) return t("ask.not_a_list");
      if (field.is === "object" && (typeof read !== "object" || read === null || Array.isArray(read))) return t("ask.not_an_object");
    } catch (reason) {
      return t("ask.not_json", { reason: reason instanceof Error ? reason.message : "" });
    }
  }
  return null;
}

function FieldRow({ field, value, change, wrong }: { field: Field; value: string; change: (to: string) => void; wrong: string | null }) {
  const id = "ask-" + field.name;
  const about = [field.hint && id + "-hint", wrong && id + "-wrong"].filter(Boolean).join(" ") || undefined;
  const common = { id, name: field.name, value, "aria-describedby": about, "aria-invalid": wrong ? true : undefined } as const;
  const typed = (event: Event) => change((event.target as HTMLInputElement).value);
  return (
    <div class="field">
      <label for={id}>
        {field.label} {field.optional && <span class="faint">{t("ask.optional")}</span>}
      </label>
      {field.kind === "json" ? (
        <textarea {...common} rows={Math.min(10, Math.max(3, value.split("\n").length))} spellcheck={false} class="mono" onInput={typed} />
      ) : (
        <input {...common} type={field.kind === "number" ? "number" : "text"} min={field.min} step="any" onInput={typed} autoComplete="off"
          list={field.options ? id + "-options" : undefined} />
      )}
      {field.options && (
        <datalist id={id + "-options"}>
          {field.options.slice(0, 500).map((one) => <option key={one} value={one} />)}
        </datalist>
      )}
      {field.hint && <p class="hint" id={id + "-hint"}>{field.hint}</p>}
      {wrong && <p class="wrong" id={id + "-wrong"} role="alert">{wrong}</p>}
    </div>
  );
}

function Form({ question, answer }: { question: Question; answer: (given: Answers | null) => void }) {
  const fields = question.fields ?? [];
  const dialog = useRef<HTMLDialogElement>(null);
  const [values, setValues] = useState<Answers>(() => Object.fromEntries(fields.map((one) => [one.name, one.value ?? ""])));
  const [tried, setTried] = useState(false);
  const [typed, setTyped] = useState("");
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (fields.some((one) => fault(one, values[one.name] ?? ""))) return;
    if (question.type !== undefined && typed !== question.type) return;
    answer(values);
  };
  return (
    <dialog ref={dialog} aria-labelledby="ask-title" onClose={() => answer(null)} class="ask">
      <form onSubmit={submit} noValidate>
        <h2 id="ask-title"><bdi>{visible(question.title)}</bdi></h2>
        {question.text && <p class="ask-text"><bdi>{visible(question.text).slice(0, 1000)}</bdi></p>}
        {fields.map((one) => (
          <FieldRow key={one.name} field={one} value={values[one.name] ?? ""} wrong={tried ? fault(one, values[one.name] ?? "") : null}
            change={(to) => setValues((now) => ({ ...now, [one.name]: to }))} />
        ))}
        {question.type !== undefined && (
          <div class="field">
            <label for="ask-typed">{t("ask.type", { what: question.type })}</label>
            <input id="ask-typed" value={typed} autoComplete="off" onInput={(event) => setTyped((event.target as HTMLInputElement).value)} />
          </div>
        )}
        <div class="ask-buttons">
          <button type="button" class="act" onClick={() => answer(null)}>{t("ask.no")}</button>
          <button type="submit" class={question.danger ? "act danger solid" : "act main"}
            aria-disabled={question.type !== undefined && typed !== question.type ? "true" : undefined}>{question.yes}</button>
        </div>
      </form>
    </dialog>
  );
}

export function Asking() {
  const now = asked.value;
  return now ? <Form key={now.question.title + (now.question.text ?? "")} {...now} /> : null;
}
