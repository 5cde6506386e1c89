//! Processes of the machine: who has ended, who belongs to whom, signals.
//!
//! Every process is started as the leader of a group, with variables that say whose it is ([`Mark`]). Together
//! with the keeper being the one that orphans fall to, nothing that an app starts gets out of sight: not by forking
//! away, not by a session of its own, not by outliving the keeper.

use std::fs::{self, File};
use std::io::Read as _;

use procfile::StopTarget;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process_group};

use crate::core::{Ending, Slot};

/// The variable that names the keeper, by its folder for sockets.
pub(crate) const KEEPER: &str = "PINCH_KEEPER";
/// The variable that names app and process, `APP/web.1@3`.
pub(crate) const SLOT: &str = "PINCH_SLOT";
/// The variable that numbers the starts of one process.
pub(crate) const START: &str = "PINCH_START";

/// A process that says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its process id.
    pub pid: u32,
    /// Its process group.
    pub group: u32,
    /// The app.
    pub app: String,
    /// The process of the app.
    pub slot: Slot,
    /// Which start of that process.
    pub start: u64,
}

/// Children that have ended since the last call, each with how.
pub(crate) fn reap() -> Vec<(u32, Ending)> {
    let mut ended = Vec::new();
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        let ending = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ending::Code(code),
            (None, Some(signal)) => Ending::Signal(signal),
            (None, None) => continue,
        };
        ended.push((pid.as_raw_nonzero().get().unsigned_abs(), ending));
    }
    ended
}

/// Whether nothing is left of a process group. Members that have ended do not count, whoever has yet to reap them.
pub(crate) fn group_is_empty(group: u32) -> bool {
    let Some(id) = pid(group) else { return true };
    if test_kill_process_group(id) == Err(rustix::io::Errno::SRCH) {
        return true;
    }
    !all().any(|pid| stat(pid).is_some_and(|stat| stat.group == group))
}

/// Sends a signal, by name without `SIG`; whoever is gone already is no error.
pub(crate) fn send(leader: u32, signal: &str, target: StopTarget) {
    let (Some(leader), Some(signal)) = (pid(leader), by_name(signal)) else { return };
    let _ = match target {
        StopTarget::Leader => kill_process(leader, signal),
        StopTarget::Group => kill_process_group(leader, signal),
    };
}

/// When a process was started, in clock ticks since the machine's boot: with its id this names one process only.
/// `None` once it has ended, reaped or not.
pub(crate) fn start_ticks(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.ticks)
}

/// The parent of a process that has not ended.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|stat| stat.parent)
}

/// Whether a child of this process, started at that time, is there: ended and not yet reaped, too.
pub(crate) fn is_child(pid: u32, ticks: u64) -> bool {
    any_stat(pid).is_some_and(|(_, stat)| stat.parent == std::process::id() && stat.ticks == ticks)
}

/// What the kernel tells of a process.
struct Stat {
    parent: u32,
    group: u32,
    ticks: u64,
}

/// The same, unless it has ended.
fn stat(pid: u32) -> Option<Stat> {
    any_stat(pid).filter(|(running, _)| *running).map(|(_, stat)| stat)
}

/// Room for what the kernel tells of a process, in bytes: a name and some fifty numbers, in one read.
const LONGEST_STAT: usize = 2048;

/// Whether a process has not ended, and what the kernel tells of it.
fn any_stat(pid: u32) -> Option<(bool, Stat)> {
    let mut text = [0; LONGEST_STAT];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut text).ok()?;
    // The name, in brackets, may hold anything, half a letter too; the fields after it are plain.
    let name_end = text[..length].iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(&text[name_end + 1..length]).ok()?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let running = !matches!(*fields.first()?, "Z" | "X");
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some((running, Stat { parent: number(1)?, group: number(2)?, ticks: fields.get(19)?.parse().ok()? }))
}

/// All processes that bear the mark of a keeper.
pub(crate) fn marked(keeper: &str) -> Vec<Mark> {
    let mut environment = Vec::with_capacity(USUAL_ENVIRONMENT);
    all().filter_map(|pid| mark_of(pid, keeper, &mut environment)).collect()
}

/// The ids of all processes there are.
fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Room for the variables of nearly every process, in bytes: then one read is enough.
const USUAL_ENVIRONMENT: usize = 32 << 10;

fn mark_of(pid: u32, keeper: &str, environment: &mut Vec<u8>) -> Option<Mark> {
    environment.clear();
    File::open(format!("/proc/{pid}/environ")).ok()?.read_to_end(environment).ok()?;
    let value = |name: &str| {
        let mut variables = environment.split(|byte| *byte == 0);
        let found =
            variables.find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        std::str::from_utf8(found).ok()
    };
    if value(KEEPER)? != keeper {
        return None;
    }
    let (app, slot) = value(SLOT)?.split_once('/')?;
    let group = stat(pid)?.group;
    Some(Mark { pid, group, app: app.into(), slot: slot.parse().ok()?, start: value(START)?.parse().ok()? })
}

/// The machine's boot: what was written down before it says nothing about processes after it.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().into()).unwrap_or_default()
}

pub(crate) fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

fn by_name(name: &str) -> Option<Signal> {
    Some(match name {
        "TERM" => Signal::TERM,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "HUP" => Signal::HUP,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "KILL" => Signal::KILL,
        "WINCH" => Signal::WINCH,
        "ABRT" => Signal::ABORT,
        "ALRM" => Signal::ALARM,
        "CONT" => Signal::CONT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let own = std::process::id();
        assert!(start_ticks(own).is_some());
        assert_eq!(start_ticks(own), start_ticks(own));
        assert_eq!(start_ticks(u32::MAX), None);
    }

    #[test]
    fn a_process_whose_name_was_cut_within_a_letter_is_there() {
        let folder = tempfile::tempdir().unwrap();
        // The kernel keeps 15 bytes of a name.
        let program = folder.path().join("fourteen-bytesä");
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        let mut child = std::process::Command::new(program).arg("100").spawn().unwrap();
        assert!(start_ticks(child.id()).is_some_and(|ticks| is_child(child.id(), ticks)));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn every_stop_signal_that_a_definition_may_name_can_be_sent() {
        for name in ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL", "WINCH", "ABRT", "ALRM", "CONT"] {
            assert!(by_name(name).is_some(), "{name}");
        }
    }
}
