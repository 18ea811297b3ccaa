//! A man in the middle: a real HTTP proxy before a node that records every byte of every body, and
//! forges what it can.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

/// What it does besides listening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// Nothing.
    Listens,
    /// Answers every message with this refusal, as far as it can.
    Refusal(Refusal),
    /// Answers every message with these bytes.
    Answer(Vec<u8>),
    /// Changes the byte in the middle of every sealed answer.
    Flips,
    /// Answers every message with the first sealed answer it heard.
    Repeats,
    /// Answers every question for the certificate with the first one it heard.
    OldCertificate,
}

struct Line {
    upstream: String,
    http: reqwest::Client,
    forgery: Mutex<Forgery>,
    heard: Mutex<Vec<u8>>,
    first_answer: Mutex<Option<Bytes>>,
    first_info: Mutex<Option<Bytes>>,
}

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    line: Arc<Line>,
}

impl Proxy {
    pub(crate) async fn before(upstream: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let line = Arc::new(Line {
            upstream: upstream.to_owned(),
            http: reqwest::Client::new(),
            forgery: Mutex::new(Forgery::Listens),
            heard: Mutex::default(),
            first_answer: Mutex::default(),
            first_info: Mutex::default(),
        });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&line));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, line }
    }

    pub(crate) fn set(&self, forgery: Forgery) {
        *self.line.forgery.lock().unwrap() = forgery;
    }

    /// Every path and body in both directions.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.line.heard.lock().unwrap().clone()
    }
}

async fn pass(State(line): State<Arc<Line>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path().to_owned();
    line.hear(path.as_bytes());
    line.hear(&body);
    let forgery = line.forgery.lock().unwrap().clone();
    let message = head.method == Method::POST;
    match &forgery {
        Forgery::Refusal(refusal) if message => {
            let status = StatusCode::from_u16(refusal.http_status()).unwrap();
            let problem = serde_json::to_vec(&Problem::from(*refusal)).unwrap();
            return (status, problem).into_response();
        }
        Forgery::Answer(bytes) if message => return bytes.clone().into_response(),
        Forgery::Repeats if message => {
            let first = line.first_answer.lock().unwrap().clone();
            return first.unwrap().into_response();
        }
        Forgery::OldCertificate if !message => {
            let first = line.first_info.lock().unwrap().clone();
            return first.unwrap().into_response();
        }
        _ => {}
    }
    let url = format!("{}{path}", line.upstream);
    let reply = line.http.request(head.method, url).body(body).send().await;
    let reply = reply.unwrap();
    let status = StatusCode::from_u16(reply.status().as_u16()).unwrap();
    let mut body = reply.bytes().await.unwrap();
    line.hear(&body);
    let first = match message {
        true => &line.first_answer,
        false => &line.first_info,
    };
    first.lock().unwrap().get_or_insert_with(|| body.clone());
    if message && forgery == Forgery::Flips {
        let mut flipped = body.to_vec();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        body = flipped.into();
    }
    (status, body).into_response()
}

impl Line {
    fn hear(&self, bytes: &[u8]) {
        self.heard.lock().unwrap().extend_from_slice(bytes);
    }
}
