// Every list of the dashboard. On a narrow screen a row becomes a card, with the column's name before each value.
import type { ComponentChildren } from "preact";
import { visible } from "../format";
import { t } from "../i18n";

export interface Column<Row> {
  key: string;
  head: string;
  cell: (row: Row) => ComponentChildren;
  number?: boolean;
  /** Grows with the room there is; its text is cut. */
  wide?: boolean;
  /** Sort order asked for by a click on the head; the present one is marked. */
  order?: { up: string; down: string; now: string; set: (to: string) => void };
}

export function Table<Row>(props: {
  label: string; rows: Row[]; columns: Column<Row>[]; id: (row: Row) => string; tone?: (row: Row) => string | undefined;
  select?: { chosen: Set<string>; change: (to: Set<string>) => void; name: (row: Row) => string };
}) {
  const { rows, columns, select } = props;
  const all = select && rows.length > 0 && rows.every((row) => select.chosen.has(props.id(row)));
  const flip = (id: string) => {
    const next = new Set(select!.chosen);
    if (!next.delete(id)) next.add(id);
    select!.change(next);
  };
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label={props.label}>
      <table>
        <caption class="sr">{props.label}</caption>
        <thead>
          <tr>
            {select && (
              <th scope="col" class="check">
                <input type="checkbox" checked={all} aria-label={t("table.all")}
                  onChange={() => select.change(all ? new Set() : new Set(rows.map(props.id)))} />
              </th>
            )}
            {columns.map((column) => <Head key={column.key} column={column} />)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const id = props.id(row);
            const chosen = select?.chosen.has(id);
            return (
              <tr key={id} class={[props.tone?.(row), chosen && "chosen"].filter(Boolean).join(" ") || undefined}>
                {select && (
                  <td class="check">
                    <input type="checkbox" checked={chosen} onChange={() => flip(id)} aria-label={visible(t("table.choose", { what: select.name(row).slice(0, 120) }))} />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.key} data-label={column.head} class={[column.number && "number", column.wide && "wide"].filter(Boolean).join(" ") || undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({ column }: { column: Column<Row> }) {
  const classes = [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ") || undefined;
  const order = column.order;
  if (!order) return <th scope="col" class={classes}>{column.head}</th>;
  const down = order.now === order.down;
  const up = order.now === order.up;
  return (
    <th scope="col" class={classes} aria-sort={down ? "descending" : up ? "ascending" : undefined}>
      <button type="button" class="sorter" onClick={() => order.set(down ? order.up : order.down)}>
        {column.head} <span aria-hidden="true">{down ? "↓" : up ? "↑" : "↕"}</span>
      </button>
    </th>
  );
}
