//! What of the daemon needs no network; the rest is asked over HTTP, from Python, in `tests/it`.

use std::collections::BTreeSet;
use std::io::Write as _;

use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderValue};

use super::body::{BodyReader, BodyWriter};
use super::call::Route;
use super::contents::range_of;
use super::guard::Guard;
use super::routes::ROUTES;
use super::*;

fn token(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("token"))
        .unwrap()
        .trim()
        .to_owned()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        let name = axum::http::HeaderName::from_static(name);
        (name, HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn only_who_has_the_token_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let guard = Guard::fresh(&dir.path().join("token"), Some(8471)).unwrap();
    let token = token(dir.path());
    assert_eq!(token.len(), 64);
    let right = format!("Bearer {token}");
    let host = ("host", "127.0.0.1:8471");
    let asked = |pairs: &[(&'static str, &str)]| {
        let admitted = guard.admit(&headers(pairs), false);
        admitted.map_err(|problem| problem.code().to_owned())
    };
    assert_eq!(asked(&[host, ("authorization", &right)]), Ok(()));
    assert_eq!(
        asked(&[("host", "localhost:8471"), ("authorization", &right)]),
        Ok(())
    );
    let wrong = [
        format!("Bearer {}", "0".repeat(64)),
        format!("Bearer {token}0"),
        format!("Bearer {}", &token[..63]),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        token.clone(),
    ];
    for wrong in &wrong {
        let refused = asked(&[host, ("authorization", wrong)]);
        assert_eq!(refused, Err("token_missing".to_owned()), "{wrong}");
    }
    assert_eq!(asked(&[host]), Err("token_missing".to_owned()));
    for named in [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:8472",
        "localhost:8471.evil.example",
    ] {
        let refused = asked(&[("host", named), ("authorization", &right)]);
        assert_eq!(refused, Err("host_refused".to_owned()), "{named}");
    }
    assert_eq!(
        asked(&[("authorization", &right)]),
        Err("host_refused".to_owned())
    );
    for origin in ["http://127.0.0.1:8471", "https://evil.example", "null"] {
        let refused = asked(&[host, ("origin", origin), ("authorization", &right)]);
        assert_eq!(refused, Err("origin_refused".to_owned()), "{origin}");
    }
    assert!(guard.admit(&headers(&[host]), true).is_ok());
    assert!(guard.admit(&headers(&[]), true).is_err());
}

#[cfg(unix)]
#[test]
fn the_token_is_its_users_alone_and_another_each_time() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("serve").join("token");
    Guard::fresh(&file, None).unwrap();
    let first = std::fs::read(&file).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let folder = file.parent().unwrap().metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    Guard::fresh(&file, None).unwrap();
    assert_ne!(std::fs::read(&file).unwrap(), first);
}

#[test]
fn a_range_is_one_and_inside_the_file() {
    for (header, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-99", 0..100),
        ("bytes=10-", 10..100),
        ("bytes=-10", 90..100),
        ("bytes=-1000", 0..100),
        ("bytes=50-5000", 50..100),
    ] {
        assert_eq!(range_of(header, 100), Some(expected), "{header}");
    }
    for header in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=100-",
        "bytes=100-200",
        "bytes=-0",
        "bytes=0-1,5-6",
        "items=0-1",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes= 1-2",
        "bytes=1--2",
        "bytes=99999999999999999999-",
    ] {
        assert_eq!(range_of(header, 100), None, "{header}");
    }
    assert_eq!(range_of("bytes=0-", 0), None);
}

#[tokio::test]
async fn a_body_comes_out_as_it_went_in_or_is_broken_off() {
    let bytes: Vec<u8> = (0..700_001_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut writer, body) = BodyWriter::new();
    let written = bytes.clone();
    tokio::task::spawn_blocking(move || {
        written
            .chunks(1_000)
            .for_each(|piece| writer.write_all(piece).unwrap());
        writer.finish(Ok(()));
    });
    let mut reader = BodyReader::of(body);
    let read = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut read).map(|_| read)
    });
    assert_eq!(read.await.unwrap().unwrap(), bytes);
    let (mut writer, body) = BodyWriter::new();
    tokio::task::spawn_blocking(move || {
        writer.write_all(b"some").unwrap();
        writer.finish(Err("a chunk is tampered with".to_owned()));
    });
    assert!(to_bytes(body, 1_000).await.is_err());
}

#[test]
fn routes_are_told_apart_and_those_that_spend_say_so() {
    let names: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method, route.path))
        .collect();
    assert_eq!(names.len(), ROUTES.len());
    let public: Vec<_> = ROUTES.iter().filter(|route| route.is_public).collect();
    assert_eq!(public.len(), 1);
    let spending = |route: &&Route| route.spends;
    let spending: Vec<_> = ROUTES
        .iter()
        .filter(spending)
        .map(|route| route.method)
        .collect();
    assert_eq!(spending, ["POST", "PATCH", "DELETE"]);
}

/// `WRITE_OPENAPI=1` writes the committed text anew.
#[test]
fn the_committed_openapi_text_is_that_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("WRITE_OPENAPI").is_some() {
        std::fs::write(&path, openapi()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(committed, openapi(), "run with WRITE_OPENAPI=1");
}
