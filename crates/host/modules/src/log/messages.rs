//! What templates and functions have to say, gathered for whoever runs them.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

/// How weighty a message is. Salt's names; `Exception` counts as `Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// For whoever looks for a mistake.
    Debug,
    /// Worth knowing.
    Info,
    /// Looks mistaken.
    Warning,
    /// Something failed.
    Error,
    /// Nothing goes on.
    Critical,
}

impl Level {
    /// The level of that name as `log_level` and `-l` have it; `None` for `quiet` and unknown names.
    /// `all`, `trace`, `garbage` and `profile` mean everything.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "all" | "garbage" | "trace" | "profile" | "debug" => Self::Debug,
            "info" => Self::Info,
            "warning" => Self::Warning,
            "error" => Self::Error,
            "critical" => Self::Critical,
            _ => return None,
        })
    }
}

/// As Salt's log lines show it, in capitals.
impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        })
    }
}

/// Messages at or above a level, in order. What lies below is dropped at once: trees may log thousands of
/// debug lines a run.
#[derive(Debug)]
pub struct Messages {
    least: AtomicU8,
    list: Mutex<Vec<(Level, String)>>,
}

/// The most that is kept: a tree that logs in a circle must not eat the memory.
const MOST: usize = 100_000;

impl Default for Messages {
    fn default() -> Self {
        Self { least: AtomicU8::new(Level::Warning as u8), list: Mutex::default() }
    }
}

impl Messages {
    /// From now on keeps messages at or above this level; `None` keeps nothing.
    pub fn keep(&self, least: Option<Level>) {
        self.least.store(least.map_or(u8::MAX, |level| level as u8), Ordering::Relaxed);
    }

    /// Whether messages of that level are kept: spares making those that are not.
    pub fn keeps(&self, level: Level) -> bool {
        level as u8 >= self.least.load(Ordering::Relaxed)
    }

    /// Adds a message, if its level is kept.
    pub fn push(&self, level: Level, text: impl Into<String>) {
        if self.keeps(level) {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            if list.len() < MOST {
                list.push((level, text.into()));
            }
        }
    }

    /// Takes what has been gathered.
    pub fn take(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut *self.list.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_asked_for() {
        let messages = Messages::default();
        messages.push(Level::Info, "dropped");
        messages.keep(Level::from_name("info"));
        messages.push(Level::Info, "kept");
        messages.keep(Level::from_name("quiet"));
        messages.push(Level::Critical, "dropped");
        assert_eq!(messages.take(), [(Level::Info, "kept".to_string())]);
        assert!(messages.take().is_empty());
    }
}
