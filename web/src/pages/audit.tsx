import { exactly } from "../format";
import { t } from "../i18n";
import { useLoad } from "../state/load";
import { Page, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { AuditEntry } from "../types";

export function AuditPage() {
  const loaded = useLoad<{ entries: AuditEntry[] }>("audit?limit=500", 15000);
  return (
    <Page title={t("nav.audit")} lead={t("audit.lead")}>
      <Ready of={loaded}>
        {({ entries }) => entries.length === 0 ? <Empty title={t("audit.none")} /> : (
          <Table label={t("nav.audit")} rows={entries.map((one, i) => ({ ...one, i }))} id={(one) => `${one.at} ${one.i}`} columns={[
            { key: "at", head: t("audit.at"), cell: (one) => exactly(one.at) },
            { key: "user", head: t("audit.user"), cell: (one) => <Txt clip text={one.user ?? t("audit.nobody")} /> },
            { key: "action", head: t("tasks.action"), cell: (one) => <Txt clip text={one.action} /> },
            { key: "target", head: t("audit.target"), wide: true, cell: (one) => <Txt clip text={one.target} /> },
            { key: "outcome", head: t("audit.outcome"), wide: true, cell: (one) => <Txt clip text={one.outcome} /> },
          ]} />
        )}
      </Ready>
    </Page>
  );
}
