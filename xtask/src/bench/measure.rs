//! One whole process, measured: wall clock, CPU time and peak memory.
//!
//! The kernel counts the peak over *all* children a process has waited for. So this tool starts itself once
//! for each measurement and lets that short-lived copy have exactly one child.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use crate::Failure;

/// The command word under which this tool measures one child.
pub(crate) const MEASURE: &str = "measure-one-child";

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// Peak resident set, in KiB.
    pub(crate) peak: u64,
    /// The exit code; -1 after a signal.
    pub(crate) code: i64,
}

/// Runs a command once and measures it. Its output goes to `log`.
pub(crate) fn measure(command: &[&str], log: &Path) -> Result<Taken, Failure> {
    let this = std::env::current_exe()?;
    let output = Command::new(this).arg(MEASURE).arg(log).args(command).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("could not measure {}", command.join(" ")).into());
    }
    let taken: Value = serde_json::from_slice(&output.stdout)?;
    let number = |key: &str| taken[key].as_i64().ok_or("a measurement without its numbers");
    let time = |key| number(key).map(|micros| Duration::from_micros(micros.unsigned_abs()));
    Ok(Taken {
        wall: time("wall")?,
        cpu: time("cpu")?,
        peak: number("peak")?.unsigned_abs(),
        code: number("code")?,
    })
}

/// The short-lived copy: one child, its figures as JSON on standard output.
pub(crate) fn measure_child(arguments: &[String]) -> Result<(), Failure> {
    let [log, program, rest @ ..] = arguments else { return Err("nothing to measure".into()) };
    let out = std::fs::File::create(log)?;
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
    let start = Instant::now();
    let status = command.status()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let code = status.code().unwrap_or(-1);
    println!(
        "{}",
        json!({"wall": wall.as_micros() as u64, "cpu": cpu, "peak": usage.max_rss(), "code": code})
    );
    Ok(())
}

/// The middle value.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The middle one of any values; 0 of none.
pub(crate) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let times = [5, 1, 9].map(Duration::from_millis).to_vec();
        assert_eq!(median(times), Duration::from_millis(5));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }
}
