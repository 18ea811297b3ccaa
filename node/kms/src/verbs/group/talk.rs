//! `kms group post|read`.

use std::fmt;
use std::io::Read as _;

use kms_client::{Entry, Message, TEXT_BYTES_MAX};
use kms_protocol::B256;
use serde::Serialize;

use super::args::PostArgs;
use super::open::{OpenGroup, now};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::text::utc;

#[derive(Serialize)]
struct PostedReport {
    epoch: u64,
    number: u64,
    order: u64,
}

impl From<&Message> for PostedReport {
    fn from(message: &Message) -> Self {
        Self {
            epoch: message.epoch,
            number: message.number,
            order: message.order,
        }
    }
}

impl fmt::Display for PostedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} posted in epoch {}", self.number, self.epoch)
    }
}

/// A message as it is read.
#[derive(Serialize)]
struct MessageRow {
    writer: String,
    key: String,
    epoch: u64,
    number: u64,
    order: u64,
    time: u64,
    hash: B256,
    /// U+FFFD stands for what is not UTF-8.
    text: String,
}

impl From<&Entry> for MessageRow {
    fn from(entry: &Entry) -> Self {
        let message = &entry.message;
        Self {
            writer: entry.name.clone(),
            key: hex::encode(message.writer.to_bytes()),
            epoch: message.epoch,
            number: message.number,
            order: message.order,
            time: message.time,
            hash: entry.hash,
            text: String::from_utf8_lossy(&message.text).into_owned(),
        }
    }
}

impl fmt::Display for MessageRow {
    /// Control characters are shown, not obeyed: others wrote them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}: ", utc(self.time), self.writer)?;
        for character in self.text.chars() {
            match character {
                '\n' => f.write_str("\n    ")?,
                c if c.is_control() => write!(f, "{}", c.escape_default())?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

pub(super) async fn post(args: &PostArgs, context: &Context) -> Outcome {
    let text = match args.text.as_str() {
        "-" => stdin()?,
        text => text.as_bytes().to_vec(),
    };
    let mut group = OpenGroup::new(&args.name, context).await?;
    let message = group.channel.post(&*group.store, &text, now()).await?;
    group.remember(&args.name, context)?;
    context.out.emit(&PostedReport::from(&message))
}

fn stdin() -> Outcome<Vec<u8>> {
    let limit = u64::try_from(TEXT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let input = std::io::stdin().lock();
    input
        .take(limit.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(|error| Failure::io("standard input", &error))?;
    Ok(text)
}

pub(super) async fn read(name: &str, context: &Context) -> Outcome {
    let mut group = OpenGroup::new(name, context).await?;
    let timeline = group.channel.read(&*group.store).await?;
    group.remember(name, context)?;
    for entry in &timeline.entries {
        context.out.emit(&MessageRow::from(entry))?;
    }
    if timeline.closed > 0 {
        let closed = timeline.closed;
        let text = format!("{closed} messages lie in epochs that are closed to you");
        context.out.note(&text);
    }
    for finding in &timeline.findings {
        context.out.note(&format!("note: {finding}"));
    }
    context.out.objects(&timeline.findings)
}
