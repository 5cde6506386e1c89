//! Time, so that nobody has to ask the system for it.

use std::time::Duration;

/// A moment: seconds and nanoseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// The rest, `0..1_000_000_000`.
    pub nanoseconds: u32,
}

/// The host's clock.
pub trait Clock {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time that only goes forward, from an arbitrary start: for durations.
    fn elapsed(&self) -> Duration;

    /// Waits. A plan and a test do not.
    fn sleep(&self, duration: Duration);
}
