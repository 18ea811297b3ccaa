//! Bodies of any length between HTTP and the blocking readers and writers of files: a few pieces
//! are on their way at a time, and the slower side holds the faster one back.

use std::io::{self, Read, Write};

use axum::body::{Body, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::mpsc;

/// Pieces on their way.
const PIECES: usize = 4;
/// Bytes gathered before a piece is sent.
const PIECE_BYTES: usize = 128 * 1024;

/// Reads a request's body in a blocking thread.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl BodyReader {
    /// Starts to take the body in. Must be called on the runtime.
    pub(super) fn of(body: Body) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES);
        tokio::spawn(async move {
            let mut stream = body.into_data_stream();
            while let Some(piece) = stream.next().await {
                // A body that breaks off is an error to its reader, never its end.
                let piece = piece.map_err(|error| io::Error::other(error.to_string()));
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
        });
        let rest = Bytes::new();
        Self { pieces, rest }
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(into.len());
        let piece = self.rest.split_to(count);
        if let Some(place) = into.get_mut(..count) {
            place.copy_from_slice(&piece);
        }
        Ok(count)
    }
}

/// Writes a response's body from a blocking thread.
pub(super) struct BodyWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    gathered: Vec<u8>,
}

impl BodyWriter {
    /// A writer, and the body that it writes.
    pub(super) fn new() -> (Self, Body) {
        let (pieces, receiver) = mpsc::channel(PIECES);
        let stream = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let gathered = Vec::new();
        (Self { pieces, gathered }, Body::from_stream(stream))
    }

    /// Ends the body, or breaks it off: a length that is missing is how a client of chunked
    /// encoding knows.
    pub(super) fn finish(mut self, result: Result<(), String>) {
        let ended = match result {
            Ok(()) => self.flush(),
            Err(why) => {
                let broken = Err(io::Error::other(why));
                self.pieces
                    .blocking_send(broken)
                    .map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
        };
        // A client that has gone needs no answer.
        drop(ended);
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        if gathered.is_empty() {
            return Ok(());
        }
        let sent = self.pieces.blocking_send(Ok(gathered.into()));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
