//! How long to wait before the next attempt. Pure: randomness is passed in.

use std::time::Duration;

/// Waits that double with each attempt, up to a longest one, and are spread so that many senders whose target came back
/// do not all arrive at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure, before it is spread.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Backoff {
    /// From half a second to half a minute.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The wait after so many failures in a row (from 1): between half of `first * 2^(failures - 1)`, bounded by
    /// `longest`, and all of it. `random` is at least 0 and below 1.
    pub(crate) fn wait(&self, failures: u32, random: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(30)).min(self.longest);
        doubled / 2 + (doubled / 2).mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Backoff, Duration};

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(5) };
        let waits: Vec<_> = (1..6).map(|failures| backoff.wait(failures, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        assert_eq!(backoff.wait(2, 0.0), Duration::from_secs(1));
        assert_eq!(backoff.wait(2, 0.5), Duration::from_millis(1500));
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_the_longest_nor_shorter_than_half_the_first(
            failures in any::<u32>(), random in 0.0..1.0
        ) {
            let backoff = Backoff::default();
            let wait = backoff.wait(failures, random);
            prop_assert!(wait <= backoff.longest && wait >= backoff.first / 2);
        }
    }
}
