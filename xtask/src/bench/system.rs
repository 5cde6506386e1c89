//! What the kernel tells of processes.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use crate::Failure;

/// CPU seconds of a process alone, those of its threads that have ended among them.
pub(super) fn cpu(process: u32) -> f64 {
    let clock = clock_getcpuclockid(Pid::from_raw(process.cast_signed()));
    clock.and_then(ClockId::now).map_or(0.0, |time| Duration::from(time).as_secs_f64())
}

/// The processes that a process started and that have not ended.
pub(super) fn children(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    // Each thread has its own.
    for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    found
}

/// Proportional set size of a process alone, in bytes.
pub(super) fn proportional_size(process: u32) -> Result<f64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0)
}
