//! The registry, and the list of what is in it, of which METRICS.md is made.

use prometheus_client::encoding::text::encode;
#[cfg(test)]
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::TypedMetric;
use prometheus_client::registry::{Metric, Registry, Unit};

/// The prefix of every name.
const PREFIX: &str = "kms";

#[cfg(test)]
struct Row {
    name: String,
    kind: &'static str,
    help: &'static str,
}

/// Every metric, registered and listed.
pub(super) struct Catalogue {
    registry: Registry,
    #[cfg(test)]
    rows: Vec<Row>,
}

impl Catalogue {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::with_prefix(PREFIX),
            #[cfg(test)]
            rows: Vec::new(),
        }
    }

    pub(super) fn register<M: Metric + TypedMetric>(
        &mut self,
        name: &'static str,
        help: &'static str,
        metric: M,
    ) {
        #[cfg(test)]
        self.list(name.to_owned(), help, M::TYPE);
        self.registry.register(name, help, metric);
    }

    pub(super) fn register_with_unit<M: Metric + TypedMetric>(
        &mut self,
        name: &'static str,
        help: &'static str,
        unit: Unit,
        metric: M,
    ) {
        #[cfg(test)]
        self.list(format!("{name}_{}", unit.as_str()), help, M::TYPE);
        self.registry.register_with_unit(name, help, unit, metric);
    }

    #[cfg(test)]
    fn list(&mut self, name: String, help: &'static str, kind: MetricType) {
        let (kind, suffix) = match kind {
            MetricType::Counter => ("counter", "_total"),
            MetricType::Gauge => ("gauge", ""),
            MetricType::Histogram => ("histogram", ""),
            MetricType::Info => ("info", "_info"),
            MetricType::Unknown => ("unknown", ""),
        };
        let name = format!("{PREFIX}_{name}{suffix}");
        self.rows.push(Row { name, kind, help });
    }

    /// The metrics in the OpenMetrics text format.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// The page that lists them, in the order of their names.
    #[cfg(test)]
    pub(super) fn page(&self) -> String {
        let mut rows: Vec<String> = self.rows.iter().map(Row::line).collect();
        rows.sort();
        format!("{HEAD}{}", rows.concat())
    }
}

#[cfg(test)]
impl Row {
    fn line(&self) -> String {
        format!("| `{}` | {} | {} |\n", self.name, self.kind, self.help)
    }
}

#[cfg(test)]
const HEAD: &str = "\
# Metrics of a node

Made of the list in `node/kms-node/src/host/metrics.rs`; `WRITE_METRICS=1` before the tests of that
file writes it anew. A node answers `GET /metrics` on the port of `admin_listen`, in the OpenMetrics
text format.

| metric | type | tells |
|---|---|---|
";
