//! Programs: probes that look and actions that change.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Effect, HostError};

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program and its arguments; no shell is involved.
    Argv(Vec<String>),
    /// A line for a shell, which is started as `SHELL -c LINE`.
    Shell {
        /// The shell (`/bin/sh`).
        shell: String,
        /// The line.
        line: String,
    },
}

/// A program with all that surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What to run.
    pub program: Program,
    /// Where; `None` is `/`.
    pub directory: Option<PathBuf>,
    /// Variables on top of the host's own. A `None` value takes the variable away.
    pub environment: Vec<(String, Option<String>)>,
    /// Whether the host's own variables are left out (`PATH` stays).
    pub clean_environment: bool,
    /// As whom, by name; `None` is the user Pinch runs as. Supplementary groups come along.
    pub user: Option<String>,
    /// With which primary group, by name.
    pub group: Option<String>,
    /// The file mode mask.
    pub umask: Option<u32>,
    /// What it reads on its standard input; nothing by default.
    pub stdin: Vec<u8>,
    /// After which it is killed, with everything it started.
    pub timeout: Option<Duration>,
    /// Whether it runs on the machine that holds a rooted tree instead of inside the tree. Only for programs
    /// whose every path is given explicitly and begins with the root: nothing else keeps them inside.
    pub outside: bool,
}

impl Command {
    /// A program with arguments.
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(argv: I) -> Self {
        Self::of(Program::Argv(argv.into_iter().map(Into::into).collect()))
    }

    /// A line for `/bin/sh`.
    pub fn shell(line: impl Into<String>) -> Self {
        Self::of(Program::Shell { shell: "/bin/sh".into(), line: line.into() })
    }

    fn of(program: Program) -> Self {
        Self {
            program,
            directory: None,
            environment: Vec::new(),
            clean_environment: false,
            user: None,
            group: None,
            umask: None,
            stdin: Vec::new(),
            timeout: None,
            outside: false,
        }
    }

    /// Sets a variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Sets the working directory.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// The command as a person would type it; arguments with odd characters are quoted.
    pub fn text(&self) -> String {
        match &self.program {
            Program::Shell { line, .. } => line.clone(),
            Program::Argv(argv) => argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        }
    }
}

/// How a program ended and what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; 128 + the signal's number when a signal ended it.
    pub code: i32,
    /// Standard output, up to a bound of the form.
    pub stdout: Vec<u8>,
    /// Standard error, up to a bound of the form.
    pub stderr: Vec<u8>,
    /// Its process id while it ran.
    pub pid: u32,
}

impl Output {
    /// Whether it exited with 0.
    pub fn succeeded(&self) -> bool {
        self.code == 0
    }

    /// Standard output as text, invalid UTF-8 replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text, invalid UTF-8 replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A command that changes something, and what it changes when it exits with 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The command.
    pub command: Command,
    /// What is true afterwards. Empty when nobody can tell (a user's own `cmd.run`).
    pub effects: Vec<Effect>,
}

impl Action {
    /// A command whose effects are declared.
    pub fn new(command: Command, effects: Vec<Effect>) -> Self {
        Self { command, effects }
    }

    /// A command that may do anything.
    pub fn opaque(command: Command) -> Self {
        Self { command, effects: Vec::new() }
    }
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran; it may have failed.
    Ran(Output),
    /// It is planned: its effects count as done, its output cannot be known.
    Planned,
}

impl Outcome {
    /// The output of a command that ran.
    pub fn output(self) -> Option<Output> {
        match self {
            Self::Ran(output) => Some(output),
            Self::Planned => None,
        }
    }
}

/// Running programs.
pub trait Commands {
    /// Runs a command that only looks. Runs under a plan too, against the machine as it is.
    fn probe(&self, command: &Command) -> Result<Output, HostError>;

    /// Runs a command that changes something. Under a plan it is recorded instead.
    fn act(&self, action: &Action) -> Result<Outcome, HostError>;

    /// The path of a program that would be found on the host's `PATH`.
    fn which(&self, program: &str) -> Option<PathBuf>;

    /// The host's own environment variables, which commands inherit.
    fn environment(&self) -> &[(String, String)];
}

/// A word as a POSIX shell would have to read it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
