//! Archives: unpacks all of one or a part, and lists what is in it.

use std::fmt;
use std::path::Path;

use kms_client::NewFolder;
use kms_format::archive::{Entry, EntryPath, Kind, MANIFEST_BYTES_MAX, Manifest, Unpack};
use kms_format::{Decryptor, Error, RangeReader, SegmentKeys};
use serde::Serialize;

use super::{Keys, OpenArgs, OpenReport, Opened, name_of};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::interrupt::PARTS;
use crate::output::Row;
use crate::progress::Bar;
use crate::sink::{Content, Sink};

/// An entry, as `ls` shows it.
#[derive(Serialize)]
struct Line {
    kind: &'static str,
    mode: String,
    bytes: u64,
    path: String,
}

impl Row for Line {
    const HEAD: &'static [&'static str] = &["KIND", "MODE", "BYTES", "PATH"];

    fn cells(&self) -> Vec<String> {
        let Self {
            kind,
            mode,
            bytes,
            path,
        } = self;
        vec![
            (*kind).to_owned(),
            mode.clone(),
            bytes.to_string(),
            path.clone(),
        ]
    }
}

impl Line {
    fn new(entry: &Entry) -> Self {
        let (kind, target) = match &entry.kind {
            Kind::Folder => ("folder", None),
            Kind::File { .. } => ("file", None),
            Kind::Link { target } => ("link", Some(String::from_utf8_lossy(target))),
        };
        let path = String::from_utf8_lossy(entry.path.as_bytes());
        Self {
            kind,
            mode: format!("{:03o}", entry.mode),
            bytes: entry.content_bytes(),
            path: match target {
                Some(target) => format!("{path} -> {target}"),
                None => path.into_owned(),
            },
        }
    }
}

/// Lists the entries of an archive.
pub(crate) fn list(opened: &Opened, keys: Keys<'_>, context: &Context) -> Outcome {
    if !opened.header.parameters().archive {
        let what = format!("{} is no archive", opened.path.display());
        return Err(Failure::usage(what).hint("it holds one file: `kms inspect` shows it"));
    }
    let mut reader = opened.ranges(keys.data)?;
    let manifest = manifest(&mut reader, keys.segments)?;
    let lines: Vec<Line> = manifest.entries().iter().map(Line::new).collect();
    context.out.list(&lines, "the archive is empty")
}

/// Reads the manifest, which is the beginning of the plaintext.
fn manifest(
    reader: &mut RangeReader<std::fs::File>,
    keys: &mut dyn SegmentKeys,
) -> Outcome<Manifest> {
    let short = Error::ArchiveMalformed {
        problem: "it is shorter than its manifest",
    };
    let mut head = Vec::with_capacity(4);
    reader.read_range_with(keys, 0..4, &mut head)?;
    let Some(length) = head.first_chunk() else {
        return Err(short.into());
    };
    let length = u64::from(u32::from_be_bytes(*length));
    let most = u64::try_from(MANIFEST_BYTES_MAX).unwrap_or(u64::MAX);
    if length > most || length.saturating_add(4) > reader.plaintext_bytes() {
        return Err(short.into());
    }
    let mut bytes = Vec::new();
    reader.read_range_with(keys, 4..length.saturating_add(4), &mut bytes)?;
    Ok(Manifest::from_bytes(&bytes)?)
}

impl Opened {
    /// Unpacks an archive, or the entry that is asked for.
    pub(super) fn unpack(
        self,
        args: &OpenArgs,
        output: &Path,
        keys: Keys<'_>,
        context: &Context,
    ) -> Outcome {
        let wanted = args.path.as_deref().map(|path| {
            let path = EntryPath::new(path.trim_end_matches('/').as_bytes());
            path.map_err(|_| {
                Failure::usage("--path is a path in the archive, as `kms ls` shows it")
            })
        });
        let wanted = wanted.transpose()?;
        if let Some(wanted) = &wanted
            && self.source.length.is_some()
        {
            let mut reader = self.ranges(keys.data)?;
            let manifest = manifest(&mut reader, keys.segments)?;
            let mut found = manifest.contents();
            let Some((entry, at)) = found.find(|(entry, _)| entry.path == *wanted) else {
                let what = format!("there is no {} in the archive", shown(wanted));
                return Err(Failure::new("not_found", what, "list it with `kms ls`"));
            };
            if let Kind::File { bytes } = entry.kind {
                let mut sink = Sink::open(output, Content::Secret, args.existing())?;
                let range = at..at.saturating_add(bytes);
                reader.read_range_with(keys.segments, range, &mut sink)?;
                return finish(sink, output, bytes, context);
            }
        }
        if output == Path::new("-") {
            let what = "an archive is unpacked into a folder";
            return Err(Failure::usage(what).hint("name the folder to make: -o FOLDER"));
        }
        let mut folder = NewFolder::create(output)?;
        if let Some(wanted) = wanted {
            folder = folder.only(wanted);
        }
        let guard = PARTS.guard(folder.part_path());
        let mut bar = Bar::bytes(context.out, "unpacking", self.source.length);
        let decryptor =
            Decryptor::new(&self.header, keys.data, self.source)?.with_keys(keys.segments);
        let mut unpack = Unpack::new(folder);
        let summary = decryptor.decrypt(&mut unpack, &mut |done| bar.set(done))?;
        drop(bar);
        let entries = unpack.finish()?.finish()?;
        drop(guard);
        context.out.emit(&OpenReport {
            output,
            plaintext_bytes: summary.plaintext_bytes,
            entries: Some(entries),
            signed_by: summary.signer.and_then(|signer| name_of(&signer, context)),
        })
    }
}

fn finish(sink: Sink, output: &Path, plaintext_bytes: u64, context: &Context) -> Outcome {
    let to_stdout = sink.is_stdout();
    sink.finish()?;
    if to_stdout {
        return Ok(());
    }
    context.out.emit(&OpenReport {
        output,
        plaintext_bytes,
        entries: None,
        signed_by: None,
    })
}

fn shown(path: &EntryPath) -> impl fmt::Display {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}
