import { shown } from "../format";
import { t } from "../i18n";
import { useLoad } from "../state/load";
import { go, here, query } from "../state/router";
import { Page, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { Setting } from "../types";

export function SettingsPage() {
  const loaded = useLoad<{ settings: Setting[] }>("settings");
  const wanted = query.value.get("filter") ?? "";
  const changed = query.value.get("changed") === "1";
  const rows = (loaded.data?.settings ?? []).filter((one) => one.name.includes(wanted.toLowerCase()) && (!changed || one.source !== "default"));
  return (
    <Page title={t("nav.settings")} lead={t("settings.lead")} actions={
      <>
        <input type="search" class="narrow" value={wanted} placeholder={t("settings.filter")} aria-label={t("settings.filter")}
          onInput={(event) => go(here({ filter: (event.target as HTMLInputElement).value }), true)} />
        <label class="tick">
          <input type="checkbox" checked={changed} onChange={() => go(here({ changed: changed ? null : "1" }), true)} /> {t("settings.changed")}
        </label>
      </>
    }>
      <Ready of={loaded}>
        {() => rows.length === 0 ? <Empty title={t("settings.none")} /> : (
          <Table label={t("nav.settings")} rows={rows} id={(one) => one.name} columns={[
            { key: "name", head: t("settings.name"), wide: true, cell: (one) => <code><Txt clip text={one.name} /></code> },
            { key: "value", head: t("settings.value"), wide: true, cell: (one) => one.secret
              ? <span class="faint"><span aria-hidden="true">••••••</span> {t("settings.secret")}</span> : <code><Txt clip text={shown(one.value)} /></code> },
            { key: "source", head: t("settings.source"), cell: (one) => <Txt clip text={one.source} /> },
          ]} />
        )}
      </Ready>
    </Page>
  );
}
