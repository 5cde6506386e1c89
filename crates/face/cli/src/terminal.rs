//! What the process was started with: arguments, variables, terminals. Read once, passed down.

use std::io::IsTerminal as _;

use crate::output::Paint;

/// The surroundings of the process.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Environment variables whose names and values are UTF-8.
    pub environment: Vec<(String, String)>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
}

impl Surroundings {
    /// Of this process.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            environment: std::env::vars_os().filter_map(text).collect(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable's value.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// Colours for a stream: on terminals, unless `NO_COLOR` is set or the options say otherwise.
    pub(crate) fn paint(&self, is_terminal: bool, forced: bool, forbidden: bool) -> Paint {
        let wanted = is_terminal && self.variable("NO_COLOR").is_none_or(str::is_empty);
        Paint { enabled: forced || (wanted && !forbidden) }
    }
}
