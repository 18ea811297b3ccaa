//! The OpenAPI text, made of the one list of routes.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Holds, Route};
use super::problem::OWN;
use super::routes::ROUTES;

pub(super) fn route(_: Call) -> BoxFuture<'static, Answer> {
    async { Ok(([(CONTENT_TYPE, "application/json")], openapi()).into_response()) }.boxed()
}

/// What the daemon serves, as OpenAPI 3.1 in JSON; the same for every home.
pub fn openapi() -> String {
    let mut paths = Map::new();
    for route in &ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(route.method.to_lowercase(), operation(route));
        }
    }
    let codes: Vec<&str> = OWN.iter().map(|(code, ..)| *code).collect();
    let text = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "kms serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A home of KMS for programs on the same machine.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": problem(&codes) },
        },
    });
    // A map of plain values has a text.
    let mut text = serde_json::to_string_pretty(&text).unwrap_or_default();
    text.push('\n');
    text
}

fn problem(codes: &[&str]) -> Value {
    let of = |kind: &str| json!({ "type": kind });
    json!({
        "type": "object",
        "description": format!(
            "What happened: the codes of the command line (README.md), and {}.",
            codes.join(", ")
        ),
        "required": ["code", "exit", "message", "hint"],
        "properties": {
            "code": of("string"),
            "exit": of("integer"),
            "message": of("string"),
            "hint": of("string"),
            "policy": { "type": ["string", "null"] },
            "nodes": { "type": "array", "items": of("object") },
            "policies": { "type": "array", "items": of("object") },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = Map::new();
    operation.insert("summary".to_owned(), json!(route.does));
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), json!(parameters));
    }
    if let Some(content) = content(route.takes, route.fields) {
        let body = json!({ "required": true, "content": content });
        operation.insert("requestBody".to_owned(), body);
    }
    let answer = json!({ "description": "Done.", "content": content(route.gives, &[]) });
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let problem = json!({ "application/json": { "schema": problem } });
    let responses = json!({
        "200": answer,
        "default": { "description": "Not done.", "content": problem },
    });
    operation.insert("responses".to_owned(), responses);
    if route.is_public {
        operation.insert("security".to_owned(), json!([]));
    }
    Value::Object(operation)
}

fn parameters(route: &Route) -> Vec<Value> {
    let parameter = |name: &str, place: &str, says: &str, required: bool| {
        json!({
            "name": name,
            "in": place,
            "description": says,
            "required": required,
            "schema": { "type": "string" },
        })
    };
    let query = route.query.iter();
    let mut parameters: Vec<Value> = query
        .map(|(name, says, required)| parameter(name, "query", says, *required))
        .collect();
    if route.path.contains("{id}") {
        parameters.push(parameter("id", "path", "the policy's id, 0x...", true));
    }
    if route.spends {
        let says = "a name of the request: sent again, it is carried out once";
        parameters.push(parameter("Idempotency-Key", "header", says, true));
    }
    parameters
}

fn content(holds: Holds, fields: &[(&str, &str)]) -> Option<Value> {
    let field = |(name, says): &(&str, &str)| ((*name).to_owned(), json!({ "description": says }));
    let fields: Map<String, Value> = fields.iter().map(field).collect();
    match holds {
        Holds::Nothing => None,
        Holds::Json => Some(json!({
            "application/json": { "schema": { "type": "object", "properties": fields } },
        })),
        Holds::Raw => Some(json!({ "application/octet-stream": {} })),
        Holds::Events => Some(json!({ "text/event-stream": {} })),
    }
}
