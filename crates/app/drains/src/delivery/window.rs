//! What was written to a connection that does not say what arrived.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Lost;

/// Portions that were written and are not known to have arrived, oldest first.
#[derive(Debug)]
pub(super) struct Window<C> {
    portions: VecDeque<Written<C>>,
    bytes: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Written<C> {
    /// Behind it.
    pub cursor: C,
    /// How many events.
    pub events: u64,
    /// Bytes of their messages: never more than what went over the wire.
    pub bytes: u64,
    /// What was missing before it.
    pub lost: Lost,
    /// When it was written.
    pub at: Duration,
}

/// Portions that are told apart; beyond, the oldest two become one.
const MOST: usize = 1024;

impl<C> Default for Window<C> {
    fn default() -> Self {
        Self { portions: VecDeque::new(), bytes: 0 }
    }
}

impl<C> Window<C> {
    pub(super) fn is_empty(&self) -> bool {
        self.portions.is_empty()
    }

    pub(super) fn events(&self) -> u64 {
        self.portions.iter().map(|portion| portion.events).sum()
    }

    pub(super) fn push(&mut self, written: Written<C>) {
        self.bytes += written.bytes;
        self.portions.push_back(written);
        if self.portions.len() > MOST
            && let Some(first) = self.portions.pop_front()
            && let Some(second) = self.portions.front_mut()
        {
            second.events += first.events;
            second.bytes += first.bytes;
            second.lost += first.lost;
        }
    }

    /// When the oldest was written.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.portions.front().map(|portion| portion.at)
    }

    /// Takes out the portions after which `bytes` more were written, or that were written `settle` ago. The cursor
    /// behind the last of them.
    pub(super) fn arrived(&mut self, bytes: u64, now: Duration, settle: Duration) -> Option<C> {
        let mut cursor = None;
        while let Some(first) = self.portions.front()
            && (self.bytes - first.bytes >= bytes || now >= first.at + settle)
        {
            self.bytes -= first.bytes;
            cursor = self.portions.pop_front().map(|portion| portion.cursor);
        }
        cursor
    }

    /// Takes out everything.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Written<C>> {
        self.bytes = 0;
        std::mem::take(&mut self.portions).into_iter()
    }
}
