// A dashboard as JSON, by the types of Grafana's own schema package; the panels' options by those of
// the kinds that ours have. In JSON an enumerator is its value.
import type { AnnotationQuery, Dashboard, DataQuery, Panel, RowPanel } from "@grafana/schema";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.js";
import type * as stateTimeline from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen.js";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.js";
import type * as text from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen.js";
import type * as timeSeries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.js";

type Json<T> = T extends string ? `${T}` : T extends object ? { [Key in keyof T]: Json<T[Key]> } : T;

// The package leaves open what a data source adds: this is what Prometheus' does.
interface PrometheusQuery extends DataQuery {
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
  format?: "time_series" | "table";
  interval?: string;
}
interface PrometheusAnnotation extends AnnotationQuery<PrometheusQuery> {
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
}

interface OfKind<Kind, Options, Custom> extends Omit<Panel<Options, Custom>, "type" | "options" | "targets"> {
  type: Kind;
  options: Partial<Options>;
  targets?: PrometheusQuery[];
}
type AnyPanel =
  | OfKind<"stat", stat.Options, {}>
  | OfKind<"state-timeline", stateTimeline.Options, stateTimeline.FieldConfig>
  | OfKind<"table", table.Options, Partial<table.FieldConfig>>
  | OfKind<"text", text.Options, {}>
  | OfKind<"timeseries", timeSeries.Options, timeSeries.FieldConfig>
  | Omit<RowPanel, "id"> & { id: number };

export type DashboardJson = Json<Omit<Dashboard, "panels" | "annotations">> & {
  panels: Json<AnyPanel>[];
  annotations: { list: Json<PrometheusAnnotation>[] };
};
