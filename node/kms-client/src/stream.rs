//! Streams: files in segments, published while they are made and played while they are written.
//! A reader asks for the keys of the segments ahead while one is played, keeps them no longer than
//! they are paid for, and stops between two segments when the grant is over.
//! Neighbours: `kms-format` finds the segments, `reader` asks the miners.

mod playback;
mod publish;
#[cfg(test)]
mod tests;
mod viewer;

pub use playback::{Cursor, Playback};
pub use publish::{LiveInput, StopInput, publish_live};
pub use viewer::Viewer;
