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
