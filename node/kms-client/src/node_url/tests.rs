use proptest::prelude::*;

use super::*;

fn refused(text: &str, rule: AddressRule) -> &'static str {
    match NodeUrl::parse(text, rule) {
        Err(Error::UrlRefused { why, .. }) => why,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn refuses_what_is_refused_everywhere() {
    let long = format!("http://example.org/{}", "x".repeat(256));
    let cases = [
        ("", "not a URL"),
        ("example.org", "not a URL"),
        ("http://", "not a URL"),
        ("file:///etc/passwd", "neither http nor https"),
        ("ftp://example.org", "neither http nor https"),
        ("gopher://example.org", "neither http nor https"),
        ("http://user@example.org", "user info"),
        ("http://user:pass@example.org", "user info"),
        ("http://:pass@example.org", "user info"),
        ("http://@example.org", "user info"),
        ("http://example.org/?a=b", "query or fragment"),
        ("http://example.org/#a", "query or fragment"),
        ("http://example.org:0", "port 0"),
        (
            "http://example.org/ x",
            "control characters, white space or backslashes",
        ),
        (
            "http://example.org\r\nHost: x",
            "control characters, white space or backslashes",
        ),
        (
            "http:\\\\example.org",
            "control characters, white space or backslashes",
        ),
        (long.as_str(), "longer than 256 bytes"),
    ];
    for (text, why) in cases {
        for rule in [AddressRule::PublicOnly, AddressRule::AnyAddress] {
            assert_eq!(refused(text, rule), why, "{text}");
        }
    }
}

#[test]
fn refuses_inner_addresses_in_every_notation() {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd12::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:db8::1]",
        "[2001::1]",
        "[3fff::1]",
    ];
    for host in hosts {
        let text = format!("https://{host}:8443");
        assert_eq!(
            refused(&text, AddressRule::PublicOnly),
            "not a public address",
            "{host}"
        );
        assert!(
            NodeUrl::parse(&text, AddressRule::AnyAddress).is_ok(),
            "{host}"
        );
    }
}

#[test]
fn refuses_names_of_inner_hosts() {
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "db",
        "x.local",
        "m.internal",
    ] {
        let text = format!("http://{host}/");
        assert_eq!(
            refused(&text, AddressRule::PublicOnly),
            "not a public name",
            "{host}"
        );
    }
}

#[test]
fn takes_public_hosts() {
    for text in [
        "https://node.example.org:8443",
        "http://8.8.8.8",
        "https://[2606:4700::1111]/base",
        "https://172.32.0.1",
        "https://192.0.1.1",
        "https://[64:ff9b::808:808]",
    ] {
        assert!(
            NodeUrl::parse(text, AddressRule::PublicOnly).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn a_resource_keeps_the_base_path() {
    let parse = |text| NodeUrl::parse(text, AddressRule::AnyAddress).unwrap();
    let join = |text| parse(text).join("v2/info").to_string();
    assert_eq!(join("http://h.org"), "http://h.org/v2/info");
    assert_eq!(join("http://h.org/"), "http://h.org/v2/info");
    assert_eq!(join("http://h.org/kms/"), "http://h.org/kms/v2/info");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let _ = NodeUrl::parse(&text, AddressRule::PublicOnly);
    }

    #[test]
    fn a_mapped_address_is_never_public(bits: u32) {
        let mapped = Ipv4Addr::from(bits).to_ipv6_mapped();
        prop_assert!(!is_public(IpAddr::V6(mapped)));
    }

    #[test]
    fn private_means_not_public(bits: u32) {
        let address = Ipv4Addr::from(bits);
        if address.is_private() || address.is_loopback() || address.is_link_local()
            || address.is_multicast() || address.is_broadcast() || address.is_documentation()
            || address.is_unspecified()
        {
            prop_assert!(!is_public(IpAddr::V4(address)));
        }
    }
}
