// Navigation, search, live state, theme and language.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ago } from "./format";
import { choose, language, languages, t, type Key, type Language } from "./i18n";
import { installKeys, keysShown } from "./keys";
import { refreshSession, remove, session } from "./state/api";
import { connection, lastHeard, overview, paused } from "./state/live";
import { go, parts, path } from "./state/router";
import { setTheme, theme, type Theme } from "./state/theme";
import { places } from "./places";
import { Link } from "./ui/basics";
import { Icon, type IconName } from "./ui/icons";
import { KeysHelp } from "./ui/keys-help";
import { complain } from "./ui/toasts";

function Nav({ open, close }: { open: boolean; close: () => void }) {
  const first = "/" + (parts()[0] ?? "");
  const now = overview.value;
  const badge: Record<string, number> = {
    "/workers": now?.workers.lost ?? 0,
    "/dead": now?.queues.reduce((sum, queue) => sum + (queue.dead ?? 0), 0) ?? 0,
    "/health": now?.alerts.length ?? 0,
  };
  return (
    <nav id="nav" class={open ? "side open" : "side"} aria-label={t("nav.label")} onClick={close}>
      <Link href="/" class="brand" label="lovage">
        <svg viewBox="0 0 32 32" aria-hidden="true"><path d="M16 27V14M16 19c-6 0-10-4-10-10 6 0 10 4 10 10Zm0-4c0-6 4-10 10-10 0 6-4 10-10 10Z" /></svg>
        lovage
      </Link>
      <ul>
        {places.map((place) => {
          const current = first === place.at || (place.at === "/tasks" && first === "/workflows");
          const many = badge[place.at] ?? 0;
          return (
            <li key={place.at}>
              <Link href={place.at} current={current}>
                <Icon name={place.icon} />
                <span>{t(place.name)}</span>
                {many > 0 && <b class="badge">{many > 999 ? "999+" : many}<span class="sr"> {t("nav.need_care")}</span></b>}
              </Link>
            </li>
          );
        })}
      </ul>
      <p class="side-foot faint">{session.value?.version ?? ""}</p>
    </nav>
  );
}

function Search() {
  const [text, setText] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = text.trim();
    if (!wanted) return;
    const id = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(wanted);
    go(id ? "/tasks/" + wanted : "/tasks?q=" + encodeURIComponent(wanted));
    setText("");
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <Icon name="search" />
      <input id="search" type="search" value={text} placeholder={t("top.search")} aria-label={t("top.search")} autoComplete="off"
        onInput={(event) => setText((event.target as HTMLInputElement).value)} />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

function LiveButton() {
  const state = paused.value ? "paused" : connection.value;
  const words: Record<string, Key> = { paused: "live.paused", on: "live.on", off: "live.off", connecting: "live.connecting" };
  return (
    <button type="button" class={"live " + state} aria-pressed={paused.value} title={t(paused.value ? "live.resume" : "live.pause")}
      onClick={() => (paused.value = !paused.value)}>
      <span class="dot" aria-hidden="true" />
      <span>{t(words[state]!)}</span>
      <span class="sr">, {t(paused.value ? "live.resume" : "live.pause")}</span>
      <Icon name={paused.value ? "play" : "pause"} />
    </button>
  );
}

function Menu() {
  const next: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
  const icons: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };
  const name = t(`theme.${theme.value}`);
  const leave = () => remove("session").then(refreshSession).catch((reason: Error) => complain(reason.message));
  const who = session.value;
  return (
    <div class="menu">
      <button type="button" class="ghost" title={name} aria-label={t("theme.switch", { now: name })} onClick={() => setTheme(next[theme.value])}>
        <Icon name={icons[theme.value]} />
      </button>
      <label class="sr" for="language">{t("top.language")}</label>
      <span class="language">
        <Icon name="language" />
        <select id="language" value={language.value} onChange={(event) => choose((event.target as HTMLSelectElement).value as Language)}>
          {languages.map((one) => <option key={one.code} value={one.code} lang={one.code}>{one.name}</option>)}
        </select>
      </span>
      <button type="button" class="ghost keys-button" aria-label={t("keys.title")} title={t("keys.title") + " (?)"} onClick={() => (keysShown.value = true)}>
        <Icon name="keyboard" />
      </button>
      {who?.user && (
        <span class="who">
          <bdi>{who.user.slice(0, 40)}</bdi>
          <button type="button" class="ghost" aria-label={t("top.leave")} title={t("top.leave")} onClick={leave}><Icon name="out" /></button>
        </span>
      )}
    </div>
  );
}

function Banners() {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const who = session.value;
  const stale = connection.value === "off" && Date.now() - lastHeard.value > 3000;
  return (
    <div class="banners">
      <div role="status">
        {stale && <p class="banner bad">{t("live.stale", { ago: ago(lastHeard.value / 1000) })}</p>}
        {paused.value && <p class="banner">{t("live.paused_banner")}</p>}
      </div>
      {who?.read_only ? <p class="banner">{t("forbidden.read_only")}</p>
        : who?.role === "viewer" && <p class="banner">{t("forbidden.viewer")}</p>}
    </div>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path.value]);
  useEffect(installKeys, []);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>{t("nav.skip")}</a>
      <Nav open={open} close={() => setOpen(false)} />
      <div class="body">
        <header class="top">
          <button type="button" class="ghost burger" aria-expanded={open} aria-controls="nav" aria-label={t("nav.menu")} onClick={() => setOpen(!open)}>
            <Icon name={open ? "close" : "menu"} />
          </button>
          <Search />
          <LiveButton />
          <Menu />
        </header>
        <Banners />
        <main id="main" tabIndex={-1}>{children}</main>
      </div>
      <KeysHelp />
    </div>
  );
}
