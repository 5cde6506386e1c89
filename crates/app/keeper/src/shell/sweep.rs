//! Waiting until nothing of what a process started is left.
//!
//! Its group is asked first; that is quick. Who left the group is found by the mark in its variables. A process that
//! is to be started again does not wait for such strays: they are swept beside it.

use std::time::Duration;

use procfile::StopTarget;

use super::{Key, Shell, now, processes};
use crate::core::{Deed, Input};
use crate::home::Home;

/// Between two looks: short at first, so that a stop ends early.
const SOON: Duration = Duration::from_millis(2);
const LATER: Duration = Duration::from_millis(50);

/// A process whose leader has ended.
pub(super) struct Sweep {
    group: u32,
    next: Duration,
    pause: Duration,
    /// Those outside the group that have been asked to stop.
    asked: Vec<u32>,
}

impl Shell {
    /// Looks at once; goes on looking when something is left.
    pub(super) fn begin_sweep(&mut self, key: &Key) -> Vec<Deed> {
        let Some(placement) = self.core.placement(&key.0, &key.1) else { return Vec::new() };
        let Some(group) = placement.instance.pid else {
            return self.core.take(&key.0, &key.1, Input::Gone, now());
        };
        let mut sweep = Sweep { group, next: now().steady + SOON, pause: SOON, asked: Vec::new() };
        if self.is_clean(key, &mut sweep) {
            return self.core.take(&key.0, &key.1, Input::Gone, now());
        }
        self.sweeps.insert(key.clone(), sweep);
        Vec::new()
    }

    /// Looks again at those whose time has come.
    pub(super) fn sweep(&mut self) {
        let time = now().steady;
        let due: Vec<Key> =
            self.sweeps.iter().filter(|(_, sweep)| sweep.next <= time).map(|(key, _)| key.clone()).collect();
        for key in due {
            let Some(mut sweep) = self.sweeps.remove(&key) else { continue };
            if self.is_clean(&key, &mut sweep) {
                self.input(&key, Input::Gone);
            } else {
                sweep.pause = (sweep.pause * 2).min(LATER);
                sweep.next = time + sweep.pause;
                self.sweeps.insert(key, sweep);
            }
        }
    }

    pub(super) fn next_sweep(&self) -> Option<Duration> {
        self.sweeps.values().map(|sweep| sweep.next).min()
    }

    /// Whether nothing is left. Strays are asked to stop once; SIGKILL comes with the end of the grace.
    fn is_clean(&self, key: &Key, sweep: &mut Sweep) -> bool {
        if !processes::group_is_empty(sweep.group) {
            return false;
        }
        let Some(placement) = self.core.placement(&key.0, &key.1) else { return true };
        let strays = strays(&self.options.home, key);
        for stray in &strays {
            if !sweep.asked.contains(stray) {
                processes::send(*stray, &placement.instance.process_type.stop.signal, StopTarget::Leader);
                sweep.asked.push(*stray);
            }
        }
        strays.is_empty()
    }
}

/// What bears the mark of a process: whatever it started, wherever that went.
pub(super) fn strays(home: &Home, key: &Key) -> Vec<u32> {
    let keeper = home.run.display().to_string();
    let mine = |mark: &processes::Mark| mark.app == key.0 && mark.slot == key.1;
    processes::marked(&keeper).into_iter().filter(mine).map(|mark| mark.pid).collect()
}
