//! The masked form of URLs.

use super::*;

#[test]
fn shows_scheme_and_host_and_hides_what_may_be_a_key() {
    for (written, shown) in [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://rpc.example/", "https://rpc.example/"),
        ("https://rpc.example/v3/0123abcd", "https://rpc.example/***"),
        (
            "https://rpc.example?key=0123abcd",
            "https://rpc.example/***",
        ),
        ("https://rpc.example#0123abcd", "https://rpc.example/***"),
        (
            "https://me:0123abcd@rpc.example:8545/",
            "https://rpc.example:8545/***",
        ),
        ("https://me:01/23@rpc.example", "https://***"),
        ("me:0123abcd@rpc.example", "***"),
        ("", "***"),
        (
            "http://127.0.0.1:8545, https://rpc.example/0123abcd",
            "http://127.0.0.1:8545,https://rpc.example/***",
        ),
    ] {
        assert_eq!(urls(written), shown, "{written}");
    }
}
