//! Plays a file from any position, as often at a time as wanted. Keys are asked for ahead, in
//! rounds; each round asks the chain anew whether the grant goes on.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kms_format::{Header, LOOK_AHEAD_MAX, RangeReader};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::viewer::Viewer;
use crate::error::{Error, Result};

/// Pause between two looks at a file that is still written.
const LOOK: Duration = Duration::from_millis(250);

/// A file that is played.
pub struct Playback {
    viewer: Arc<Viewer>,
    header: Header,
    film: Mutex<RangeReader<File>>,
    /// Until when the keys may be used: the end of what is paid, as the last round found it.
    until: Mutex<Option<Instant>>,
    /// Held by the round that asks.
    asking: Arc<tokio::sync::Mutex<()>>,
    waits: AtomicU64,
}

/// Length of a film, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) bytes: u64,
    /// First byte of the newest segment.
    pub(crate) newest: u64,
    pub(crate) is_whole: bool,
}

impl Playback {
    /// Opens a file that is whole or still written.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Format`], and those of a read: [`Error::NoPolicy`],
    /// [`Error::PolicyExpired`], [`Error::PolicyRevoked`], [`Error::ThresholdNotMet`],
    /// [`Error::Chain`].
    pub async fn open(viewer: Arc<Viewer>, path: &Path) -> Result<Arc<Self>> {
        let io = |source| Error::io(path, source);
        let mut file = File::open(path).map_err(io)?;
        let header = Header::read(&mut file)?;
        let key = viewer.data_key(&header).await?;
        let film = RangeReader::growing(&header, &key, file)?;
        Ok(Arc::new(Self {
            viewer,
            header,
            film: Mutex::new(film),
            until: Mutex::new(None),
            asking: Arc::default(),
            waits: AtomicU64::new(0),
        }))
    }

    /// How often the player had to wait for a key that was not there in time; the first key of each
    /// position is waited for as well.
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }

    /// The plaintext from a position on; of a file that is still written, up to its end when that
    /// is there.
    pub fn from(self: &Arc<Self>, position: u64) -> Cursor {
        self.part(position, u64::MAX)
    }

    /// The plaintext from the newest whole segment on.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub async fn from_newest(self: &Arc<Self>) -> Result<Cursor> {
        Ok(self.from(self.extent().await?.newest))
    }

    pub(crate) fn part(self: &Arc<Self>, position: u64, end: u64) -> Cursor {
        Cursor {
            playback: Arc::clone(self),
            position,
            end,
            segment: None,
        }
    }

    /// Looks how long the film is by now.
    pub(crate) async fn extent(self: &Arc<Self>) -> Result<Extent> {
        self.blocking(|film| {
            film.look()?;
            Ok(Extent {
                bytes: film.plaintext_bytes(),
                newest: film.newest(),
                is_whole: film.is_whole(),
            })
        })
        .await
    }

    /// Works on the file in a thread that may wait for a disk.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut RangeReader<File>) -> kms_format::Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = Arc::clone(self);
        let done = spawn_blocking(move || work(&mut this.film())).await;
        Ok(done.map_err(|_| Error::Bug("a film is read without a panic"))??)
    }

    fn film(&self) -> MutexGuard<'_, RangeReader<File>> {
        self.film.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Whether what is paid was over by the last round, or is by now.
    fn is_over(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| until <= Instant::now())
    }

    /// Lets a segment begin: its key is there, and those ahead are asked for meanwhile.
    async fn enter(self: &Arc<Self>, segment: u32) -> Result<()> {
        let is_over = self.is_over();
        if is_over {
            self.film().forget_keys();
        }
        let lacks_key = !self.film().keyless(segment, 0).is_empty();
        if is_over || lacks_key {
            self.waits.fetch_add(1, Ordering::Relaxed);
            let _one = self.asking.lock().await;
            return self.round(segment).await;
        }
        if let Ok(one) = Arc::clone(&self.asking).try_lock_owned() {
            let this = Arc::clone(self);
            tokio::spawn(async move {
                // What fails is told by the round that the player waits for.
                drop(this.round(segment).await);
                drop(one);
            });
        }
        Ok(())
    }

    /// Asks the chain how long the grant goes on, and the miners for the keys that are missing.
    async fn round(&self, segment: u32) -> Result<()> {
        match self.viewer.paid_for(&self.header).await {
            Ok(left) => self.set_until(left.map(|left| Instant::now() + left)),
            Err(error) => {
                // A chain that does not answer ends nothing.
                if !matches!(error, Error::Chain(_) | Error::SearchTimeout) {
                    self.set_until(Some(Instant::now()));
                }
                return Err(error);
            }
        }
        let ahead = usize::from(LOOK_AHEAD_MAX);
        let wanted = self.film().keyless(segment, ahead);
        if wanted.is_empty() {
            return Ok(());
        }
        let keys = self.viewer.segment_keys(&self.header, &wanted).await?;
        let mut film = self.film();
        for (record, key) in wanted.iter().zip(&keys) {
            film.give_key(record.number(), key)?;
        }
        Ok(())
    }

    /// Waits until no round asks.
    #[cfg(test)]
    pub(super) async fn settled(&self) {
        drop(self.asking.lock().await);
    }
}

/// A place in a film, from which it is played on.
pub struct Cursor {
    playback: Arc<Playback>,
    position: u64,
    end: u64,
    /// The segment that has begun.
    segment: Option<u32>,
}

impl Cursor {
    /// The next bytes, a chunk at most; `None` at the end. Waits for those that are not written
    /// yet. When the grant is over, the segment that is played is the last one.
    ///
    /// # Errors
    /// [`Error::PolicyExpired`] and [`Error::PolicyRevoked`] when the grant is over, the other
    /// errors of a read, [`Error::Format`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let playback = Arc::clone(&self.playback);
        while self.position < self.end {
            let segment = playback.film().segment_at(self.position);
            let Some(segment) = segment else {
                if playback.extent().await?.is_whole {
                    break;
                }
                if playback.film().segment_at(self.position).is_none() {
                    tokio::time::sleep(LOOK).await;
                }
                continue;
            };
            if self.segment != Some(segment) {
                playback.enter(segment).await?;
                self.segment = Some(segment);
            }
            let position = self.position;
            let piece = playback.blocking(move |film| {
                let piece = film.piece(position)?;
                Ok(piece.map(<[u8]>::to_vec))
            });
            let mut piece = match piece.await {
                // Others who play the film needed so many keys that this one was forgotten.
                Err(Error::Format(kms_format::Error::SegmentKey { .. })) => {
                    self.segment = None;
                    continue;
                }
                piece => piece?.ok_or(Error::Bug("a segment has its bytes"))?,
            };
            let left = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
            piece.truncate(left);
            let count = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.position = position.saturating_add(count);
            return Ok(Some(piece));
        }
        Ok(None)
    }
}
