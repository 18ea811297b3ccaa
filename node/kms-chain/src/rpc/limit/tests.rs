use super::*;

#[test]
fn tells_a_rate_from_a_size() {
    let rates = [
        (
            -32_005,
            "daily request count exceeded, request rate limited",
        ),
        (-32_005, "project ID request rate exceeded"),
        (
            429,
            "Your app has exceeded its compute units per second capacity",
        ),
        (
            -32_007,
            "50/second request limit reached - reduce calls per second",
        ),
        (-32_097, "Rate limit exceeded"),
        (
            -32_000,
            "Too Many Requests, please apply an OnFinality API key",
        ),
        (-32_029, ""),
        (
            -32_090,
            "Too many requests, reason: call rate limit exhausted, retry in 10s",
        ),
        (-32_601, "quota exceeded for this plan"),
        (1_015, "throughput limit"),
    ];
    for (code, message) in rates {
        assert_eq!(limit_of(code, message), Some(Limit::Rate), "{message}");
    }
    let sizes = [
        (-32_005, "query returned more than 10000 results"),
        (
            -32_005,
            "please limit the query to at most 1000 block range",
        ),
        (
            -32_602,
            "Log response size exceeded. You can make eth_getLogs requests with up to a \
                   2K block range",
        ),
        (-32_600, "eth_getLogs is limited to a 10,000 range"),
        (-32_614, "eth_getLogs is limited to 0 - 10000 blocks range"),
        (-32_000, "exceed maximum block range: 5000"),
        (-32_000, "block range is too wide"),
        (-32_000, "block range too large, max range: 1024"),
        (
            -32_602,
            "query exceeds max results 20000, retry with the range 1-2",
        ),
        (-32_000, "query timeout exceeded"),
        (-32_000, "response is too big"),
        (
            -32_701,
            "Please specify less number of addresses; logs matched by query exceeds limit \
                   of 10000",
        ),
    ];
    for (code, message) in sizes {
        assert_eq!(limit_of(code, message), Some(Limit::Size), "{message}");
    }
}

#[test]
fn other_errors_are_no_limits() {
    let others = [
        (3, "execution reverted"),
        (-32_000, "header not found"),
        (-32_000, "missing trie node"),
        (-32_000, "nonce too low"),
        (-32_000, "insufficient funds for gas * price + value"),
        (
            -32_601,
            "the method eth_feeHistory does not exist/is not available",
        ),
        (-32_602, "unknown block tag"),
        (-32_603, "internal error"),
        (-32_000, "intrinsic gas too low"),
        (-32_000, "exceeds block gas limit"),
        (-32_003, "replacement transaction underpriced"),
    ];
    for (code, message) in others {
        assert_eq!(limit_of(code, message), None, "{message}");
    }
}

#[test]
fn waits_as_told_and_a_minute_at_most() {
    assert_eq!(retry_after(Some("7")), Some(Duration::from_secs(7)));
    assert_eq!(retry_after(Some(" 0 ")), Some(Duration::ZERO));
    assert_eq!(retry_after(Some("86400")), Some(LONGEST_WAIT));
    for text in ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"] {
        assert_eq!(retry_after(Some(text)), None, "{text}");
    }
    assert_eq!(retry_after(None), None);
}
