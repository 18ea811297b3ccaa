//! Files: encrypted and decrypted on their way through, or opened below the content folder with
//! ranges, for any media player.

use std::fs::File;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kms_format::{Decryptor, Encryptor, Header, RangeReader};
use tokio::sync::oneshot;

use super::body::{BodyReader, BodyWriter};
use super::call::{Answer, Call};
use super::keys::label_key;
use super::problem::Problem;
use crate::error::{Error, Result};

const RAW: &str = "application/octet-stream";

pub(super) fn encrypt(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let label = call.needed("label")?;
        let label = label_key(&call.state, &label).map_err(|error| call.failed(error))?;
        let encryptor = Encryptor::new(&label.public_key())
            .with_sealed_name(label.sealed_name().clone())
            .with_locator(call.state.locator());
        let reader = BodyReader::of(call.body);
        let (mut writer, body) = BodyWriter::new();
        tokio::task::spawn_blocking(move || {
            let rng = &mut getrandom::SysRng;
            let done = encryptor.encrypt(rng, reader, &mut writer, &mut |_| {});
            writer.finish(done.map(drop).map_err(|error| error.to_string()));
        });
        Ok(raw(body))
    }
    .boxed()
}

fn raw(body: Body) -> Response {
    ([(CONTENT_TYPE, RAW)], body).into_response()
}

pub(super) fn decrypt(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let mut reader = BodyReader::of(std::mem::take(&mut call.body));
        let (mut writer, body) = BodyWriter::new();
        let (header_out, header) = oneshot::channel();
        let (key_out, key) = oneshot::channel::<std::sync::Arc<kms_format::DataKey>>();
        tokio::task::spawn_blocking(move || {
            let header = match Header::read(&mut reader) {
                Ok(header) => header,
                Err(error) => return drop(header_out.send(Err(error))),
            };
            if header_out.send(Ok(header.clone())).is_err() {
                return;
            }
            let Ok(key) = key.blocking_recv() else {
                return;
            };
            let opened = Decryptor::new(&header, &key, reader);
            let done = opened.and_then(|opened| opened.decrypt(&mut writer, &mut |_| {}));
            writer.finish(done.map(drop).map_err(|error| error.to_string()));
        });
        let gone = || Error::Bug("a file's header is read or refused");
        let header = header.await.map_err(|_| call.failed(gone()))?;
        let header = header.map_err(|error| call.failed(error))?;
        let found = call.state.data_key(&header).await;
        let found = found.map_err(|error| call.failed(error))?;
        key_out.send(found).map_err(|_| call.failed(gone()))?;
        Ok(raw(body))
    }
    .boxed()
}

pub(super) fn content(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let path = path_of(call.state.content.as_deref(), &call.needed("file")?);
        let path = path.map_err(|error| call.failed(error))?;
        let open = || -> Result<(Header, File)> {
            let io = |source| Error::io(&path, source);
            let mut file = File::open(&path).map_err(io)?;
            Ok((Header::read(&mut file)?, file))
        };
        let (header, file) = open().map_err(|error| call.failed(error))?;
        let key = call
            .state
            .data_key(&header)
            .await
            .map_err(|error| call.failed(error))?;
        let reader = RangeReader::open(&header, &key, file).map_err(|error| call.failed(error))?;
        let length = reader.plaintext_bytes();
        let asked = call.header("range");
        let range = match asked.map(|asked| range_of(asked, length)) {
            None => 0..length,
            Some(Some(range)) => range,
            Some(None) => {
                let refused = Problem::own(416, "range_refused").into_response();
                let headers = [(CONTENT_RANGE, format!("bytes */{length}"))];
                return Ok((headers, refused).into_response());
            }
        };
        Ok(part(reader, range, asked.is_some()))
    }
    .boxed()
}

/// Answers with a range of a file's plaintext.
fn part(mut reader: RangeReader<File>, range: Range<u64>, is_part: bool) -> Response {
    let length = reader.plaintext_bytes();
    let (mut writer, body) = BodyWriter::new();
    let sent = range.clone();
    tokio::task::spawn_blocking(move || {
        let done = reader.read_range(sent, &mut writer);
        writer.finish(done.map_err(|error| error.to_string()));
    });
    let headers = [
        (CONTENT_TYPE, RAW.to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (
            CONTENT_LENGTH,
            range.end.saturating_sub(range.start).to_string(),
        ),
    ];
    let whole = (headers, body).into_response();
    if !is_part {
        return whole;
    }
    let last = range.end.saturating_sub(1);
    let told = format!("bytes {}-{last}/{length}", range.start);
    (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, told)], whole).into_response()
}

/// One range of bytes, as the header `Range` writes it; `None` if it is none, or outside.
pub(super) fn range_of(header: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    let range = match (first, last) {
        ("", "") => return None,
        ("", last) => length.saturating_sub(last.parse().ok()?)..length,
        (first, "") => first.parse().ok()?..length,
        (first, last) => {
            let last: u64 = last.parse().ok()?;
            first.parse().ok()?..last.saturating_add(1).min(length)
        }
    };
    (range.start < range.end).then_some(range)
}

/// A file below the content folder: by plain names, and never out of it by a link.
fn path_of(folder: Option<&Path>, name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    let missing = || Error::io(path, std::io::ErrorKind::NotFound.into());
    let folder = folder.ok_or_else(missing)?;
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_plain {
        return Err(missing());
    }
    let io = |source| Error::io(path, source);
    let (folder, found) = (folder.canonicalize().map_err(io)?, folder.join(path));
    let found = found.canonicalize().map_err(io)?;
    match found.starts_with(&folder) && found.is_file() {
        true => Ok(found),
        false => Err(missing()),
    }
}
