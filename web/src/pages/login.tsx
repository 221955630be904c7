import { useEffect, useRef, useState } from "preact/hooks";
import { choose, language, languages, t, type Language } from "../i18n";
import { post, refreshSession, session } from "../state/api";
import { query, within } from "../state/router";
import { Failed } from "../ui/states";

/** In our words: an address may come from anybody. */
function failure(code: string | null): string | null {
  if (code === "not_allowed" || code === "provider" || code === "refused") return t(`login.failed_${code}`);
  return null;
}

/** Asks for what the server accepts: a password, a provider's login, or tells that a proxy must do it. */
export function LoginPage() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [wrong, setWrong] = useState<string | null>(failure(query.value.get("failed")));
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const ways = session.value?.auth ?? [];
  useEffect(() => {
    document.title = t("login.title") + " · lovage";
    first.current?.focus();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!user || !password) return setWrong(t("login.missing"));
    setBusy(true);
    setWrong(null);
    try {
      await post("session", { user, password });
      await refreshSession();
    } catch (reason) {
      setWrong(reason instanceof Error ? reason.message : String(reason));
      setPassword("");
    }
    setBusy(false);
  };
  const next = within(query.value.get("next"));
  return (
    <main class="login" id="main">
      <div class="card">
        <h1>{t("login.title")}</h1>
        {wrong && <Failed text={wrong} />}
        {ways.includes("password") && (
          <form onSubmit={submit}>
            <div class="field">
              <label for="user">{t("login.user")}</label>
              <input id="user" ref={first} autoComplete="username" value={user} onInput={(event) => setUser((event.target as HTMLInputElement).value)} />
            </div>
            <div class="field">
              <label for="password">{t("login.password")}</label>
              <input id="password" type="password" autoComplete="current-password" value={password}
                onInput={(event) => setPassword((event.target as HTMLInputElement).value)} />
            </div>
            <button class="act main full" type="submit" aria-disabled={busy ? "true" : undefined}>{t("login.enter")}</button>
          </form>
        )}
        {ways.includes("oidc") && <a class="act full" href={"/login/oidc?next=" + encodeURIComponent(next)}>{t("login.oidc")}</a>}
        {ways.includes("proxy") && <p class="faint">{t("login.proxy")}</p>}
        {!ways.includes("password") && !ways.includes("oidc") && ways.includes("token") && <p class="faint">{t("login.token")}</p>}
        <label class="sr" for="login-language">{t("top.language")}</label>
        <select id="login-language" value={language.value} onChange={(event) => choose((event.target as HTMLSelectElement).value as Language)}>
          {languages.map((one) => <option key={one.code} value={one.code} lang={one.code}>{one.name}</option>)}
        </select>
      </div>
    </main>
  );
}
