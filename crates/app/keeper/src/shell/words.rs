//! What the keeper itself has to say: its own log, and the last few troubles for the status.
//!
//! The log is `pinch/keeper.1.log` among those of the processes, so it is read as theirs are. In a run in the
//! foreground only troubles are told, on the terminal.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use logs::{Archiver, FileSink, Record, Rotation, Sink as _, Stream, Timestamp};

use super::output::{Console, Said};
use super::{OWN_APP, Shell, now};
use crate::protocol::Trouble;

/// The keeper's name among the processes of its own app.
const PROCESS: &str = "keeper.1";
/// Bytes of one file of the log; [`KEPT_FILES`] more are kept, compressed.
const FILE_BYTES: u64 = 1 << 20;
const KEPT_FILES: usize = 4;
/// Troubles that are kept for the status.
const KEPT_TROUBLES: usize = 20;
/// The longest text, in bytes; what is longer is cut.
const LONGEST: usize = 4096;
/// Bytes that wait for a disk that takes nothing; more is dropped.
const MOST_WAITING: usize = 64 << 10;
/// Seconds in which the same trouble is told once.
const SAME_AGAIN: u64 = 60;

/// The keeper's own words.
pub(super) struct Words {
    to: To,
    troubles: VecDeque<Trouble>,
    waiting: Vec<u8>,
}

enum To {
    File(Box<FileSink>),
    Console(Arc<Mutex<Console>>),
}

impl Words {
    /// To a log below the folder of all logs, opened when there is something to say.
    pub(super) fn file(logs: &Path, archiver: &Archiver) -> Self {
        let rotation = Rotation { file_bytes: FILE_BYTES, keep: KEPT_FILES, ..Rotation::default() };
        let path = logs.join(OWN_APP).join(format!("{PROCESS}.log"));
        Self::to(To::File(Box::new(FileSink::new(&path, rotation, archiver))))
    }

    /// To a terminal.
    pub(super) fn console(console: Arc<Mutex<Console>>) -> Self {
        Self::to(To::Console(console))
    }

    fn to(to: To) -> Self {
        Self { to, troubles: VecDeque::new(), waiting: Vec::new() }
    }

    /// Something worth knowing: for the log only.
    pub(super) fn note(&mut self, text: &str) {
        if let To::File(_) = self.to {
            self.say(Stream::Stdout, &one_line(text));
        }
    }

    /// Something went wrong. Whether it is new: the same trouble within a minute is told once.
    pub(super) fn trouble(&mut self, text: &str, at: u64) -> bool {
        let text = one_line(text);
        let told = |one: &Trouble| one.text == text && at.saturating_sub(one.at) < SAME_AGAIN;
        if self.troubles.iter().any(told) {
            return false;
        }
        self.say(Stream::Stderr, &text);
        if self.troubles.len() == KEPT_TROUBLES {
            self.troubles.pop_front();
        }
        self.troubles.push_back(Trouble { at, text });
        true
    }

    /// The last troubles, oldest first.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        self.troubles.iter().cloned().collect()
    }

    fn say(&mut self, stream: Stream, text: &str) {
        let time = Timestamp::now();
        let record = Record { time, stream, partial: false, joined: false, text: text.as_bytes() };
        match &mut self.to {
            To::File(log) => {
                let before = self.waiting.len();
                record.encode(&mut self.waiting);
                if self.waiting.len() > MOST_WAITING {
                    self.waiting.truncate(before);
                }
                match log.write(&self.waiting, time) {
                    Ok(()) => self.waiting = Vec::new(),
                    // The status has the troubles; what waits is offered again with the next word.
                    Err(refused) => drop(self.waiting.drain(..refused.taken)),
                }
            }
            To::Console(console) => {
                if let Ok(mut take) = console.lock() {
                    take(Said { app: OWN_APP, process: PROCESS, record });
                }
            }
        }
    }
}

impl Shell {
    /// Something went wrong that a person should know of: for the log and the status.
    pub(super) fn trouble(&mut self, text: &str) {
        if self.words.trouble(text, now().wall) {
            self.unsaved.told();
        }
    }
}

/// A text of bounded length without what would end a record.
fn one_line(text: &str) -> String {
    let cut = text.floor_char_boundary(LONGEST);
    text[..cut].replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn words(folder: &Path) -> Words {
        Words::file(folder, &Archiver::new())
    }

    fn log(folder: &Path) -> String {
        fs::read_to_string(folder.join("pinch/keeper.1.log")).unwrap_or_default()
    }

    #[test]
    fn the_log_is_bounded_whatever_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let archiver = Archiver::new();
        let mut words = Words::file(folder.path(), &archiver);
        for number in 0..3000_u64 {
            words.trouble(&format!("{number} {}\nnext", "x".repeat(9000)), number);
        }
        archiver.wait_until_idle();
        let files = fs::read_dir(folder.path().join("pinch")).unwrap().flatten();
        let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
        assert!(bytes < 2 * FILE_BYTES, "{bytes}: one file, the others compressed");
        assert!(
            logs::entries(log(folder.path()).as_bytes()).all(|one| matches!(one, logs::Entry::Record(_)))
        );
        let troubles = words.troubles();
        assert_eq!(troubles.len(), KEPT_TROUBLES);
        assert!(troubles.iter().all(|one| one.text.len() <= LONGEST));
        assert_eq!((troubles[0].at, troubles[19].at), (2980, 2999));
    }

    #[test]
    fn the_same_trouble_is_told_once_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let mut words = words(folder.path());
        let told: Vec<bool> = [0, 1, 59, 60, 61].map(|at| words.trouble("the disk is full", at)).into();
        assert_eq!(told, [true, false, false, true, false]);
        assert_eq!(log(folder.path()).lines().count(), 2);
    }

    #[test]
    fn what_the_disk_does_not_take_waits_and_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pinch"), "in the way").unwrap();
        let mut words = words(folder.path());
        for number in 0..1000 {
            words.note(&format!("{number} {}", "x".repeat(1000)));
        }
        assert!(words.waiting.len() <= MOST_WAITING && words.waiting.len() > MOST_WAITING / 2);
        fs::remove_file(folder.path().join("pinch")).unwrap();
        words.note("again");
        assert!(log(folder.path()).lines().next().is_some_and(|line| line.contains(" stdout F 0 x")));
        assert_eq!(words.waiting.len(), 0);
    }

    #[test]
    fn a_cut_never_splits_a_letter() {
        assert_eq!(one_line(&"ä".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(one_line(&format!("x{}", "ä".repeat(LONGEST))).len(), LONGEST - 1);
    }
}
