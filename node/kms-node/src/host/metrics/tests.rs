use super::*;

#[test]
fn every_series_is_registered_under_the_prefix_with_its_help() {
    let metrics = Metrics::new();
    metrics.rpc_error("chain");
    metrics.reencrypt_seconds.observe(0.001);
    let text = metrics.render();
    assert!(
        text.contains("kms_rpc_errors_total{task=\"chain\"} 1"),
        "{text}"
    );
    assert!(text.contains("kms_reencrypt_seconds_count 1"), "{text}");
    assert!(text.contains("kms_build_info{version="), "{text}");
    let series = text.lines().filter(|line| line.starts_with("# HELP"));
    for line in series {
        assert!(line.starts_with("# HELP kms_"), "{line}");
        assert!(
            line.ends_with('.') && line.split_whitespace().count() > 3,
            "{line}"
        );
    }
}

#[tokio::test]
async fn requests_to_the_chain_are_counted_by_endpoint_method_and_outcome() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = closed.local_addr().unwrap();
    drop(closed);
    let config = kms_chain::RpcConfig::new(vec![format!("http://{endpoint}/secret")]);
    let rpc = Rpc::new(&config).unwrap();
    let metrics = Metrics::new();
    assert!(metrics.rpc.set(rpc.clone()).is_ok());
    for count in 1..3 {
        let answer = rpc.request::<_, String>("eth_blockNumber", &[(); 0]).await;
        assert!(answer.is_err());
        let labels = format!("endpoint=\"{endpoint}\",method=\"eth_blockNumber\"");
        let line = format!("kms_rpc_requests_total{{{labels},outcome=\"failed\"}} {count}\n");
        let text = metrics.render();
        assert!(text.contains(&line), "{text}");
        assert!(!text.contains("secret"));
    }
}

#[test]
fn metrics_md_is_of_this_list() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../METRICS.md");
    let page = Metrics::new().page();
    if std::env::var_os("WRITE_METRICS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(written, page, "WRITE_METRICS=1 writes it anew");
}
