//! The reports of `/readyz` (would a reader be answered rightly?) and `/earnz` (does the miner
//! earn, and go on earning?), and the gauges that are computed for each request of `/metrics`.

use std::net::IpAddr;

use axum::http::Uri;

use super::health::{Concern, Report};
use crate::duties::act::whole_tokens;
use crate::node::Node;

impl Node {
    /// Makes the report, and logs what has changed since the last one.
    pub(crate) async fn report(&self) -> Report {
        let health = &self.health;
        health.set("chain_view", Concern::Serving, self.stale_view());
        // What the duties and the checks of the stake go by.
        health.set("standing_known", Concern::Earning, self.stale_view());
        let store = self.store.ping().await.err().map(|error| error.to_string());
        health.set("store", Concern::Serving, store);
        let closing = self.check_open().err().map(|problem| problem.title);
        health.set("shutdown", Concern::Serving, closing);
        let closed = closed_to_pages(&self.config.public_url);
        health.set("browsers", Concern::Pages, closed);
        Report::new(health.checks())
    }

    fn stale_view(&self) -> Option<String> {
        match (self.snapshot(), self.age.age()) {
            (Some(_), Some(age)) if age <= self.config.max_view_age() => None,
            (_, Some(age)) => Some(format!("no good poll for {} s", age.as_secs())),
            (_, None) => Some("the chain has not been read to its head yet".to_owned()),
        }
    }

    /// Sets the gauges that no event updates: ages, the queue's depth and the standing on chain.
    pub(crate) async fn refresh_gauges(&self) {
        let metrics = &self.metrics;
        let report = self.report().await;
        metrics.ready.set(u64::from(report.ready));
        metrics.earning.set(u64::from(report.earning));
        for check in &report.checks {
            let gauge = metrics.checks.get_or_create(&[("check", check.id)]);
            gauge.set(u64::from(check.ok));
        }
        metrics
            .queue
            .set(u64::try_from(self.pool.depth()).unwrap_or(u64::MAX));
        let remembered = self.replay.remembered();
        metrics
            .remembered
            .set(u64::try_from(remembered).unwrap_or(u64::MAX));
        metrics.view_age.set(
            self.age
                .age()
                .map_or(f64::INFINITY, |age| age.as_secs_f64()),
        );
        if let Some(snapshot) = self.snapshot() {
            metrics.head.set(snapshot.head.number);
            metrics.period.set(u64::from(snapshot.period.0));
            let miner = &snapshot.miner;
            let (lease, suspension) = (miner.lease_through.0, miner.suspended_through.0);
            metrics.lease_through.set(u64::from(lease));
            metrics.suspended_through.set(u64::from(suspension));
            metrics.locked.set(whole_tokens(miner.locked));
        }
        for (task, age) in self.health.beat_ages() {
            metrics
                .heartbeat_age
                .get_or_create(&[("task", task)])
                .set(age.as_secs_f64());
        }
    }
}

/// Why a page that was loaded by https cannot call this URL, if it cannot: browsers allow it https
/// and this host itself only (W3C, Mixed Content).
fn closed_to_pages(url: &str) -> Option<String> {
    let uri = url.parse::<Uri>().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    let itself = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let open = uri.scheme_str() == Some("https") || itself;
    (!open).then(|| format!("{url} is not https: pages cannot call this node"))
}

#[cfg(test)]
mod tests {
    use super::closed_to_pages;

    #[test]
    fn a_page_calls_https_and_its_own_host_only() {
        let open = [
            "https://node.example",
            "https://10.0.0.1:8470",
            "http://localhost:8470",
            "http://127.0.0.1:8470",
            "http://[::1]:8470",
        ];
        for url in open {
            assert_eq!(closed_to_pages(url), None, "{url}");
        }
        let closed = [
            "http://node.example",
            "http://10.0.0.1",
            "http://[2001:db8::1]:8470",
            "http://localhost.example",
            "http://127.0.0.1.example",
        ];
        for url in closed {
            assert!(closed_to_pages(url).unwrap().contains(url), "{url}");
        }
    }
}
