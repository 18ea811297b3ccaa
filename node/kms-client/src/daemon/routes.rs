//! The one list of routes: the router serves it, and the OpenAPI text tells it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, on};

use super::call::{Call, Holds, Route};
use super::problem::Problem;
use super::state::State;
use super::{book, contents, events, keys, openapi, policies};

const LABEL: (&str, &str, bool) = ("label", "the label's name here, or kmslabel1...", true);
const GRANT: &[(&str, &str)] = &[
    ("label", "name of a label"),
    ("to", "list of cards, by name or kmscard1..."),
    ("threshold", "m: miners a reader needs"),
    ("shares", "n: miners that hold a kfrag"),
    ("periods", "for how many periods; or seconds, or until"),
    ("seconds", "for how long"),
    ("until", "until then, in seconds since 1970"),
    (
        "start",
        "from then on, in seconds since 1970; now if missing",
    ),
    (
        "rate",
        "offered to each miner per period, as \"0.1 KMS\"; the market's if missing",
    ),
    ("max_fee", "the most for one reader, as \"10 KMS\""),
    (
        "miners",
        "owner addresses of the miners to use; drawn if missing",
    ),
];

/// Every route.
pub(super) static ROUTES: [Route; 18] = [
    Route {
        is_public: true,
        ..Route::new(
            "GET",
            "/v1/health",
            "Say that the daemon runs",
            book::health,
        )
    },
    Route::new(
        "GET",
        "/v1/version",
        "The version, the network and the account",
        book::version,
    ),
    Route::new("GET", "/v1/openapi.json", "This list", openapi::route),
    Route::new("GET", "/v1/labels", "The labels of the home", book::labels),
    Route {
        takes: Holds::Json,
        fields: &[("label", "its name")],
        ..Route::new(
            "POST",
            "/v1/labels",
            "Make a label; idempotent",
            book::add_label,
        )
    },
    Route::new("GET", "/v1/cards", "The cards of the home", book::cards),
    Route {
        takes: Holds::Json,
        fields: &[
            ("card", "kmscard1..."),
            ("as", "the home's own name for the reader"),
        ],
        ..Route::new(
            "POST",
            "/v1/cards",
            "Store a card; idempotent",
            book::add_card,
        )
    },
    Route {
        query: &[LABEL],
        takes: Holds::Raw,
        gives: Holds::Raw,
        ..Route::new(
            "POST",
            "/v1/encrypt",
            "Encrypt the body for a label",
            contents::encrypt,
        )
    },
    Route {
        takes: Holds::Raw,
        gives: Holds::Raw,
        ..Route::new(
            "POST",
            "/v1/decrypt",
            "Decrypt the body by the seed, or else by a grant; one that breaks off was not whole",
            contents::decrypt,
        )
    },
    Route {
        gives: Holds::Raw,
        query: &[(
            "file",
            "path below the folder that the daemon was given",
            true,
        )],
        ..Route::new(
            "GET",
            "/v1/content",
            "Decrypt a file, or the range that the header Range asks for",
            contents::content,
        )
    },
    Route {
        query: &[LABEL],
        ..Route::new(
            "POST",
            "/v1/datakey",
            "A fresh key of 32 bytes, and what opens it again: the bulk stays with the caller",
            keys::datakey,
        )
    },
    Route {
        takes: Holds::Json,
        fields: &[("items", "1 to 256 of {label_key, capsule, reference}")],
        ..Route::new(
            "POST",
            "/v1/open",
            "The keys of /v1/datakey again, each by itself",
            keys::open,
        )
    },
    Route {
        takes: Holds::Json,
        fields: GRANT,
        ..Route::new(
            "POST",
            "/v1/quotes",
            "What a grant would cost, for each reader",
            policies::quote,
        )
    },
    Route {
        takes: Holds::Json,
        fields: GRANT,
        spends: true,
        ..Route::new(
            "POST",
            "/v1/policies",
            "Grant a label to readers",
            policies::grant,
        )
    },
    Route::new(
        "GET",
        "/v1/policies",
        "The policies of the account",
        policies::list,
    ),
    Route {
        takes: Holds::Json,
        fields: &[
            ("until", "paid until then, in seconds since 1970"),
            ("max_fee", "the most"),
        ],
        spends: true,
        ..Route::new(
            "PATCH",
            "/v1/policies/{id}",
            "Renew a policy",
            policies::renew,
        )
    },
    Route {
        spends: true,
        query: &[(
            "wait",
            "seconds to wait for the miners' receipts; 60 if missing",
            false,
        )],
        ..Route::new(
            "DELETE",
            "/v1/policies/{id}",
            "Revoke a policy",
            policies::revoke,
        )
    },
    Route {
        gives: Holds::Events,
        ..Route::new(
            "GET",
            "/v1/events",
            "Tell what becomes of the policies",
            events::stream,
        )
    },
];

pub(super) fn router(state: Arc<State>) -> Router {
    let mut router = Router::new();
    for route in &ROUTES {
        let state = Arc::clone(&state);
        let handler = move |params: RawPathParams, request: Request| {
            let state = Arc::clone(&state);
            let id = params.iter().find(|(name, _)| *name == "id");
            let id = id.map(|(_, value)| value.to_owned());
            async move {
                let (parts, body) = request.into_parts();
                if let Err(refused) = state.guard.admit(&parts.headers, route.is_public) {
                    return refused.into_response();
                }
                let call = Call {
                    state,
                    parts,
                    id,
                    body,
                };
                let answer = (route.handler)(call).await;
                answer.unwrap_or_else(IntoResponse::into_response)
            }
        };
        router = router.route(route.path, on(filter(route.method), handler));
    }
    let guard = state;
    router.fallback(move |request: Request| {
        let refused = guard.guard.admit(request.headers(), false).err();
        let unknown = refused.unwrap_or_else(|| Problem::own(404, "route_unknown"));
        async move { unknown.into_response() }
    })
}

fn filter(method: &str) -> MethodFilter {
    match method {
        "POST" => MethodFilter::POST,
        "PATCH" => MethodFilter::PATCH,
        "DELETE" => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}
