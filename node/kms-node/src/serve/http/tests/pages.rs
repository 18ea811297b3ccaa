//! What a page in a browser may call and read.

use kms_protocol::Refusal;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

use super::{Served, problem};
use crate::testkit::World;

const ORIGIN: &str = "https://films.example";

impl Served {
    async fn called_by_page(&self, method: Method, path: &str) -> reqwest::Response {
        let request = self.client.request(method, self.url(path));
        request.header("origin", ORIGIN).send().await.unwrap()
    }

    /// Asks as a browser does before a POST of a type that needs the question.
    async fn preflight(&self, path: &str) -> reqwest::Response {
        let request = self
            .client
            .request(Method::OPTIONS, self.url(path))
            .header("origin", ORIGIN)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        request.send().await.unwrap()
    }
}

fn assert_open(headers: &HeaderMap) {
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["access-control-expose-headers"], "retry-after");
    assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    assert!(!headers.contains_key("access-control-allow-credentials"));
}

fn assert_closed(headers: &HeaderMap) {
    let cors = headers.keys().find(|name| {
        let name = name.as_str();
        name.starts_with("access-control") || name.starts_with("cross-origin")
    });
    assert_eq!(cors, None);
}

#[tokio::test]
async fn a_page_reads_the_info_and_is_answered_its_question() {
    let served = Served::new(World::new()).await;
    let info = served.called_by_page(Method::GET, "/v2/info").await;
    assert_eq!(info.status(), StatusCode::OK);
    assert_open(info.headers());

    let asked = served.preflight("/v2/message").await;
    assert_eq!(asked.status(), StatusCode::NO_CONTENT);
    assert_open(asked.headers());
    let headers = asked.headers();
    assert_eq!(headers["access-control-allow-methods"], "GET, POST");
    assert_eq!(headers["access-control-allow-headers"], "content-type");
    assert_eq!(headers["access-control-max-age"], "7200");
    assert!(asked.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_reads_why_it_is_refused() {
    let served = Served::new(World::new()).await;
    let plain = served
        .client
        .post(served.url("/v2/message"))
        .header("origin", ORIGIN)
        .header("content-type", "text/plain");
    let refused = plain.body("no message").send().await.unwrap();
    assert_open(refused.headers());
    let (status, told) = problem(refused).await;
    assert!((400..500).contains(&status), "{status} {told:?}");

    let unknown = served.called_by_page(Method::GET, "/v2/nothing").await;
    assert_open(unknown.headers());
    assert_eq!(problem(unknown).await.1.code, Refusal::NotFound);
}

#[tokio::test]
async fn a_page_reads_nothing_of_the_operator_s() {
    let served = Served::new(World::new()).await;
    for path in ["/livez", "/readyz", "/earnz", "/metrics", "/", "/v2"] {
        assert_closed(served.called_by_page(Method::GET, path).await.headers());
        let asked = served.preflight(path).await;
        assert_closed(asked.headers());
        assert_eq!(asked.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_question_that_is_none_of_a_browser_s_is_an_unknown_request() {
    let served = Served::new(World::new()).await;
    let asked = served.called_by_page(Method::OPTIONS, "/v2/message").await;
    assert_eq!(asked.status(), StatusCode::NOT_FOUND);
}
