//! The files of the dashboard, which node/web makes and `kms-scripts web check` compares.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Path, media type, bytes.
const FILES: [(&str, &str, &[u8]); 4] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_bytes!("../../../../../deployments/web/dashboard/index.html"),
    ),
    (
        "/app.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../../../../deployments/web/dashboard/app.js"),
    ),
    (
        "/style.css",
        "text/css; charset=utf-8",
        include_bytes!("../../../../../deployments/web/dashboard/style.css"),
    ),
    (
        "/icon.svg",
        "image/svg+xml",
        include_bytes!("../../../../../deployments/web/dashboard/icon.svg"),
    ),
];

/// The file at a path.
pub(super) fn at(path: &str) -> Option<Response> {
    let found = FILES.iter().find(|(name, _, _)| *name == path);
    found.map(|(_, media_type, bytes)| {
        ([(header::CONTENT_TYPE, *media_type)], *bytes).into_response()
    })
}
