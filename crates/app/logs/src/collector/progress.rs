//! How far a stream was read, shared between the collector and whoever commands it: a place in a stream can only be named
//! exactly while nobody reads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Seams that are told apart while a sink refuses.
const MOST_SEAMS: usize = 1024;

/// How far a stream was read. Held for one read at the most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes since the stream was added.
    read: u64,
    /// Where one process stops and the next goes on, each more bytes from the start than the one before.
    seams: VecDeque<u64>,
}

impl Progress {
    /// Notes a seam behind what is in the pipe now, which `waiting` tells.
    pub(super) fn seam<E>(&self, waiting: impl FnOnce() -> Result<u64, E>) -> Result<(), E> {
        let mut state = self.lock();
        let place = state.read + waiting()?;
        if state.seams.len() == MOST_SEAMS {
            state.seams.pop_back();
        }
        if state.seams.back() != Some(&place) {
            state.seams.push_back(place);
        }
        Ok(())
    }

    /// Reads no farther than to the next seam; `None`: it is reached.
    pub(super) fn read<E>(
        &self,
        room: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Option<Result<usize, E>> {
        let mut state = self.lock();
        let left = state.seams.front().map_or(u64::MAX, |place| place.saturating_sub(state.read));
        if left == 0 {
            return None;
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
        let outcome = read(&mut room[..most]);
        state.read += outcome.as_ref().map_or(0, |length| *length as u64);
        Some(outcome)
    }

    /// Whether all before the next seam was read.
    pub(super) fn is_at_seam(&self) -> bool {
        let state = self.lock();
        state.seams.front().is_some_and(|place| *place <= state.read)
    }

    /// Leaves a seam behind that was reached.
    pub(super) fn pass_seam(&self) {
        self.lock().seams.pop_front();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
