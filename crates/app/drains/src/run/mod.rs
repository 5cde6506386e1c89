//! The shell around [`Delivery`](crate::delivery::Delivery): one task a drain does what it says and tells it what came of it.
//!
//! Each task has a source, a connection and a batch of its own, and shares nothing with others but the thread. Whatever may
//! wait for a disk (the source, cursors) or for a reader (standard output, files) is done on other threads, so nothing
//! that one drain waits for holds up another.

mod clock;
mod drains;
mod grace;
mod random;
mod reporter;
mod saver;
mod task;

pub use drains::{Drain, Drains, DrainsError};
