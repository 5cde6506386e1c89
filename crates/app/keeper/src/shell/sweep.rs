//! Waiting until nothing of what a process started is left.
//!
//! Its group is asked first; that is quick. Who left the group is found by the mark in its variables, which means a look at every
//! process of the machine. A process that is to be started again does not wait for that: its strays are swept
//! beside it. One that is to stop does.

use std::time::Duration;

use procfile::StopTarget;

use super::{Key, Shell, now, processes};
use crate::core::{Deed, Input};
use crate::home::Home;

/// Between two looks: short at first, so that a stop ends early.
const SOON: Duration = Duration::from_millis(2);
const LATER: Duration = Duration::from_millis(50);
/// How long what belongs to nothing any more may take to end.
pub(super) const LEFTOVER_GRACE: Duration = Duration::from_secs(10);

/// A process whose leader has ended.
pub(super) struct Sweep {
    group: Option<u32>,
    next: Duration,
    pause: Duration,
    /// Those outside the group that have been asked to stop.
    asked: Vec<u32>,
}

/// A process that belongs to nothing any more and was asked to end.
pub(super) struct Leftover {
    /// When it was started: its id alone may soon be another's.
    ticks: u64,
    /// When it gets SIGKILL.
    kill_at: Duration,
    next: Duration,
    pause: Duration,
}

impl Shell {
    /// Looks at once; goes on looking when something is left.
    pub(super) fn begin_sweep(&mut self, key: &Key) -> Vec<Deed> {
        let Some(placement) = self.core.placement(&key.0, &key.1) else { return Vec::new() };
        let group = placement.instance.pid;
        let mut sweep = Sweep { group, next: now().steady + SOON, pause: SOON, asked: Vec::new() };
        if self.is_clean(key, &mut sweep) {
            return self.gone(key);
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
                let deeds = self.gone(&key);
                self.unsaved.live();
                self.carry_out(deeds);
            } else {
                sweep.pause = (sweep.pause * 2).min(LATER);
                sweep.next = time + sweep.pause;
                self.sweeps.insert(key, sweep);
            }
        }
        self.sweep_strays();
        self.sweep_leftovers(time);
    }

    /// When something has to be looked at again.
    pub(super) fn next_sweep(&self) -> Option<Duration> {
        let strays = (!self.to_search.is_empty()).then(|| now().steady);
        let sweeps = self.sweeps.values().map(|sweep| sweep.next);
        let leftovers = self.leftovers.values().map(|leftover| leftover.next);
        sweeps.chain(leftovers).chain(strays).min()
    }

    /// Nothing that has to be waited for is left.
    fn gone(&mut self, key: &Key) -> Vec<Deed> {
        if let Some(pipes) = self.pipes.get(key) {
            self.output.end_line(key, pipes);
        }
        let deeds = self.core.take(&key.0, &key.1, Input::Gone, now());
        if self.core.placement(&key.0, &key.1).is_some_and(|one| !one.instance.is_to_stop()) {
            self.to_search.insert(key.clone(), self.starts);
        }
        deeds
    }

    /// Whether nothing is left that has to be waited for. Strays of what is to stop are asked to stop once; SIGKILL
    /// comes with the end of the grace.
    fn is_clean(&self, key: &Key, sweep: &mut Sweep) -> bool {
        if sweep.group.is_some_and(|group| !processes::group_is_empty(group)) {
            return false;
        }
        let Some(placement) = self.core.placement(&key.0, &key.1) else { return true };
        if !placement.instance.is_to_stop() {
            return true;
        }
        let strays = strays(&self.options.home, key);
        for stray in &strays {
            if !sweep.asked.contains(stray) {
                processes::send(*stray, &placement.instance.process_type.stop.signal, StopTarget::Leader);
                sweep.asked.push(*stray);
            }
        }
        strays.is_empty()
    }

    /// Asks those to end that left the group of a process which was started again since, or is about to be.
    fn sweep_strays(&mut self) {
        if self.to_search.is_empty() {
            return;
        }
        let to_search = std::mem::take(&mut self.to_search);
        for mark in processes::marked(&self.options.home.run.display().to_string()) {
            let key = (mark.app, mark.slot);
            let Some(placement) = self.core.placement(&key.0, &key.1) else { continue };
            let stop = placement.instance.process_type.stop.clone();
            if to_search.get(&key).is_some_and(|last| mark.start <= *last)
                && !self.leftovers.contains_key(&mark.pid)
            {
                self.let_leftover_end(mark.pid, &stop.signal, stop.grace);
            }
        }
    }

    /// Asks a process to end, and sees to it that it does.
    pub(super) fn let_leftover_end(&mut self, pid: u32, signal: &str, grace: Duration) {
        let Some(ticks) = processes::start_ticks(pid) else { return };
        processes::send(pid, signal, StopTarget::Leader);
        let time = now().steady;
        let kill_at = time.saturating_add(grace);
        self.leftovers.insert(pid, Leftover { ticks, kill_at, next: time + SOON, pause: SOON });
    }

    fn sweep_leftovers(&mut self, time: Duration) {
        self.leftovers.retain(|pid, leftover| {
            if leftover.next > time {
                return true;
            }
            if processes::start_ticks(*pid) != Some(leftover.ticks) {
                return false;
            }
            if leftover.kill_at <= time {
                processes::send(*pid, "KILL", StopTarget::Leader);
            }
            leftover.pause = (leftover.pause * 2).min(LATER);
            leftover.next = time + leftover.pause;
            true
        });
    }
}

/// What bears the mark of a process: whatever it started, wherever that went.
pub(super) fn strays(home: &Home, key: &Key) -> Vec<u32> {
    let keeper = home.run.display().to_string();
    let mine = |mark: &processes::Mark| mark.app == key.0 && mark.slot == key.1;
    processes::marked(&keeper).into_iter().filter(mine).map(|mark| mark.pid).collect()
}
