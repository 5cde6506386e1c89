//! The exit codes of every Pinch command. They are an interface: numbers never change meaning.

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, and everything holds.
    #[default]
    Done = 0,
    /// The command line, the configuration or the tree is wrong; nothing was run.
    Usage = 1,
    /// At least one state failed, or a plan found changes under `--check`.
    Failed = 2,
    /// Pillar did not compile; nothing was run.
    Pillar = 5,
    /// Pinch itself is at fault. Please report it.
    Internal = 70,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl Exit {
    /// The number the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }
}
