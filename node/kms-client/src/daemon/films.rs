//! Films over plain HTTP with ranges, on loopback, for any player. The token is a part of the path,
//! as players send no headers of ours; a Host that is not this server's, and any Origin, are
//! refused before it is looked at.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, ORIGIN, RANGE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::net::TcpListener;

use super::contents::range_of;
use super::guard::same;
use super::problem::Problem;
use crate::error::{Error, Result};
use crate::stream::{Cursor, Playback};

/// Tells of a film whose playback stopped, and why.
type Stopped = Box<dyn Fn(&str, &Error) + Send + Sync>;

/// Films that are served.
pub struct Films {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    films: Vec<(String, Arc<Playback>)>,
    token: String,
    hosts: [String; 2],
    exit_of: fn(&str) -> u8,
    stopped: Stopped,
}

impl Films {
    /// Listens on a port of 127.0.0.1, 0 for any that is free, with a fresh token. `stopped` hears
    /// why a playback ended early; `exit_of` tells the exit code of an error's code.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Random`].
    pub async fn bind(
        films: Vec<(String, Arc<Playback>)>,
        port: u16,
        exit_of: fn(&str) -> u8,
        stopped: impl Fn(&str, &Error) + Send + Sync + 'static,
    ) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let place = PathBuf::from(address.to_string());
        let io = |source| Error::io(&place, source);
        let listener = TcpListener::bind(address).await.map_err(io)?;
        let port = listener.local_addr().map_err(io)?.port();
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| kms_core::Error::Random)?;
        let films = films.into_iter();
        let shared = Shared {
            films: films.map(|(name, film)| (in_path(&name), film)).collect(),
            token: hex::encode(token),
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            exit_of,
            stopped: Box::new(stopped),
        };
        let shared = Arc::new(shared);
        Ok(Self { listener, shared })
    }

    /// The address of each film, in their order.
    pub fn urls(&self) -> Vec<String> {
        let Shared {
            films,
            token,
            hosts: [host, _],
            ..
        } = &*self.shared;
        let url = |(name, _): &(String, _)| format!("http://{host}/{token}/{name}");
        films.iter().map(url).collect()
    }

    /// Answers until `stop`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<()> {
        let Self { listener, shared } = self;
        let router = Router::new().fallback(move |request: Request| {
            let shared = Arc::clone(&shared);
            async move {
                let (parts, _) = request.into_parts();
                let answer = answer(&shared, &parts).await;
                answer.unwrap_or_else(|problem| problem.into_response())
            }
        });
        tokio::select! {
            served = axum::serve(listener, router) => {
                served.map_err(|source| Error::io(&PathBuf::from("127.0.0.1"), source))
            }
            // A film may be played for hours: it is not waited for.
            () = stop => Ok(()),
        }
    }
}

/// A name as it stands in a path.
fn in_path(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.bytes()
        .fold(String::new(), |path, byte| match is_plain(byte) {
            true => path + char::from(byte).to_string().as_str(),
            false => format!("{path}%{byte:02X}"),
        })
}

fn admit<'a>(shared: &'a Shared, request: &Parts) -> Result<&'a (String, Arc<Playback>), Problem> {
    const USE: &str = "use a URL that `kms stream serve` printed";
    let refuse = |status, code, message| Err(Problem::plain(status, code, message, USE));
    let host = request
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| shared.hosts.iter().any(|own| own == host)) {
        return refuse(
            403,
            "host_refused",
            "the request is addressed to another host",
        );
    }
    if request.headers.contains_key(ORIGIN) {
        return refuse(403, "origin_refused", "web pages may not use this server");
    }
    let path = request.uri.path().strip_prefix('/').unwrap_or_default();
    let (token, name) = path.split_once('/').unwrap_or_default();
    let is_let_in = same(token.as_bytes(), shared.token.as_bytes());
    let film = shared.films.iter().find(|(known, _)| known == name);
    let unknown = "no film is served there, or the token is wrong";
    match film.filter(|_| is_let_in) {
        None => refuse(404, "film_unknown", unknown),
        Some(_) if !matches!(request.method, Method::GET | Method::HEAD) => {
            refuse(405, "method_refused", "films are only read")
        }
        Some(film) => Ok(film),
    }
}

async fn answer(shared: &Arc<Shared>, request: &Parts) -> Result<Response, Problem> {
    let (name, film) = admit(shared, request)?;
    let told = |error: Error| {
        (shared.stopped)(name, &error);
        Problem::of(&error, shared.exit_of)
    };
    let extent = film.extent().await.map_err(told)?;
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        kind_of(name).parse().map_err(Problem::invalid)?,
    );
    if !extent.is_whole {
        // How long it will be, nobody knows.
        let from_newest = request.uri.query() == Some("from=newest");
        let start = if from_newest { extent.newest } else { 0 };
        let body = match request.method {
            Method::HEAD => Body::empty(),
            _ => body(shared, name, film.from(start)).await?,
        };
        return Ok((headers, body).into_response());
    }
    let asked = request.headers.get(RANGE);
    let asked = asked.map(|asked| asked.to_str().unwrap_or_default());
    let range = match asked.map(|asked| range_of(asked, extent.bytes)) {
        None => 0..extent.bytes,
        Some(Some(range)) => range,
        Some(None) => {
            let told = [(CONTENT_RANGE, format!("bytes */{}", extent.bytes))];
            let refused = Problem::own(416, "range_refused");
            return Ok((told, refused).into_response());
        }
    };
    let length = range.end.saturating_sub(range.start);
    headers.insert(ACCEPT_RANGES, "bytes".parse().map_err(Problem::invalid)?);
    headers.insert(CONTENT_LENGTH, length.into());
    let mut status = StatusCode::OK;
    if asked.is_some() {
        let last = range.end.saturating_sub(1);
        let told = format!("bytes {}-{last}/{}", range.start, extent.bytes);
        headers.insert(CONTENT_RANGE, told.parse().map_err(Problem::invalid)?);
        status = StatusCode::PARTIAL_CONTENT;
    }
    let body = match request.method {
        Method::HEAD => Body::empty(),
        _ => body(shared, name, film.part(range.start, range.end)).await?,
    };
    Ok((status, headers, body).into_response())
}

/// A body from a place in a film on. What is wrong before its first byte is the answer; later the
/// body is broken off.
async fn body(shared: &Arc<Shared>, name: &str, mut cursor: Cursor) -> Result<Body, Problem> {
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    let first = cursor.next().await.map_err(|error| {
        (shared.stopped)(&name, &error);
        Problem::of(&error, shared.exit_of)
    })?;
    let state = (Some(cursor), first);
    let pieces = stream::unfold(state, move |(cursor, ready)| {
        let (shared, name) = (Arc::clone(&shared), name.clone());
        async move {
            let mut cursor = cursor?;
            if let Some(piece) = ready {
                return Some((Ok(piece), (Some(cursor), None)));
            }
            match cursor.next().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), (Some(cursor), None))),
                Err(error) => {
                    (shared.stopped)(&name, &error);
                    Some((Err(std::io::Error::other(error.to_string())), (None, None)))
                }
            }
        }
    });
    Ok(Body::from_stream(pieces))
}

/// What a player is told of a film, by its name.
fn kind_of(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension.unwrap_or_default() {
        "mp4" | "m4v" => "video/mp4",
        "ts" | "m2ts" => "video/mp2t",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "mp3" => "audio/mpeg",
        "m4a" | "aac" => "audio/mp4",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}
