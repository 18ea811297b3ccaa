//! Publishes a live input: a segment ends after some time and goes out at once, so that those who
//! play are no further behind.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use getrandom::SysRng;
use kms_format::{Encryptor, Summary};

use crate::error::Result;

/// Pieces of input on their way.
const PIECES: usize = 4;
const PIECE_BYTES: usize = 64 * 1024;

type Piece = io::Result<Vec<u8>>;

/// An input that comes when it comes.
pub struct LiveInput(Receiver<Piece>);

/// Ends a live input as if it had come to its own end.
pub struct StopInput(SyncSender<Piece>);

impl LiveInput {
    /// Reads in a thread of its own, which stays with a reader that never ends.
    pub fn of(mut reader: impl Read + Send + 'static) -> (Self, StopInput) {
        let (sender, pieces) = sync_channel(PIECES);
        let stop = StopInput(sender.clone());
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE_BYTES];
                let read = match reader.read(&mut piece) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let is_last = !matches!(read, Ok(1..));
                let piece = read.map(|count| {
                    piece.truncate(count);
                    piece
                });
                if sender.send(piece).is_err() || is_last {
                    break;
                }
            }
        });
        (Self(pieces), stop)
    }
}

impl StopInput {
    /// Ends the input behind what was read.
    pub fn stop(self) {
        // Nobody listens to an input that has ended.
        drop(self.0.send(Ok(Vec::new())));
    }
}

/// Encrypts a live input to its end, of which only the time ends a segment, `every` after its first
/// byte. The encryptor cuts by hand.
///
/// # Errors
/// [`Error::Format`](crate::Error::Format).
pub fn publish_live(
    encryptor: &Encryptor,
    input: &LiveInput,
    out: impl Write,
    every: Duration,
) -> Result<Summary> {
    let mut rng = SysRng;
    let mut file = encryptor.writer(&mut rng, out)?;
    let mut cut_at: Option<Instant> = None;
    loop {
        let piece = match cut_at {
            None => input.0.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(cut_at) => {
                let left = cut_at.saturating_duration_since(Instant::now());
                input.0.recv_timeout(left)
            }
        };
        if cut_at.is_some_and(|cut_at| cut_at <= Instant::now()) {
            file.cut()?;
            file.output().flush().map_err(kms_format::Error::Write)?;
            cut_at = None;
        }
        match piece {
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Ok(piece) => {
                let piece = piece.map_err(kms_format::Error::Read)?;
                if piece.is_empty() {
                    break;
                }
                file.push(&piece)?;
                cut_at = cut_at.or_else(|| Instant::now().checked_add(every));
            }
        }
    }
    Ok(file.finish()?.0)
}
