//! Lets pages of any origin call the public routes (Fetch Standard, "CORS protocol"). These ask for
//! no cookie: whoever may read an answer holds the key it is sealed to. Health, metrics and the
//! operator's reports stay closed to pages.

use axum::body::Body;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header,
};

/// Beginning of the paths that a page may call.
const PUBLIC: &str = "/v2/";
/// Seconds for which a browser need not ask again whether it may call a path.
const REMEMBERED_S: &str = "7200";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Whether pages may call the path of this request.
pub(super) fn is_public<B>(request: &Request<B>) -> bool {
    request.uri().path().starts_with(PUBLIC)
}

/// The answer to a browser that asks before a page's request, if this is such a question.
///
/// A POST of type `text/plain` needs no question; nodes do not look at the type of a body.
pub(super) fn preflight<B>(request: &Request<B>) -> Option<Response<Body>> {
    let asks = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || !is_public(request) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    set(
        headers,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "content-type",
    );
    set(headers, header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_S);
    Some(response)
}

/// Lets the page read the response, whatever it says. Never with credentials.
pub(super) fn open(headers: &mut HeaderMap) {
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(
        headers,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "retry-after",
    );
    set(headers, RESOURCE_POLICY, "cross-origin");
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
