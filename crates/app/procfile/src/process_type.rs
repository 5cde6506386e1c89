//! What one process type is: the form that Procfiles, `supervisord.conf` and app definitions are all brought into.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One process type of an app (`web`, `worker`): how its processes start, become ready, restart and stop.
///
/// `Debug` covers what looks secret in variables and in the command.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessType {
    /// Its name, `[A-Za-z0-9_-]{1,63}`; processes of it are `NAME.1`, `NAME.2` …
    pub name: String,
    /// What is run.
    pub command: CommandLine,
    /// How many processes of it run.
    pub count: u32,
    /// Where it runs; relative paths lie below the app's directory, `None` is that directory itself.
    pub directory: Option<PathBuf>,
    /// Variables of this process type only; they win over the app's config vars.
    pub environment: Vec<(String, String)>,
    /// As whom, by name; `None` is the user the supervisor runs as.
    pub user: Option<String>,
    /// The file mode mask; `None` leaves the supervisor's own.
    pub umask: Option<u32>,
    /// The first port of this process type; process number N gets `port + N - 1` as `$PORT`. `None`: the supervisor
    /// chooses a free one, anew for each start.
    pub port: Option<u16>,
    /// When a process counts as ready.
    pub ready: Readiness,
    /// After which a process that is not ready counts as failed.
    pub ready_timeout: Duration,
    /// What happens when a process ends by itself.
    pub restart: Restart,
    /// Whether the whole formation ends, with this exit code, when a process of this type ends for good.
    pub essential: bool,
    /// Process types whose processes have to be ready before one of this type starts.
    pub after: Vec<String>,
    /// Lower numbers start first and stop last, as supervisord has it. Equal ones start together.
    pub priority: i32,
    /// How it is asked to stop.
    pub stop: Stop,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandLine {
    /// A line for `/bin/sh -c`.
    Shell(String),
    /// A program and its arguments, no shell involved.
    Argv(Vec<String>),
}

/// When a process counts as ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// Once it has run for this long without ending (zero: at once).
    Uptime(Duration),
    /// Once its `$PORT` accepts a connection on the loopback address.
    Port,
    /// Once a GET of this path on its `$PORT` answers with a status below 400.
    Http(String),
    /// Once it says `READY=1` on `$NOTIFY_SOCKET` (sd_notify).
    Notify,
}

/// What happens when a process ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// Whether it is started again.
    pub policy: RestartPolicy,
    /// The wait before the first restart in a row; it doubles each time up to [`Restart::longest`].
    pub first: Duration,
    /// The longest wait before a restart.
    pub longest: Duration,
    /// Starts in a row that never became ready, after which the process counts as failed; `None`: it is tried for ever.
    pub tries: Option<u32>,
}

/// Whether a process that ended is started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Whatever its exit code.
    Always,
    /// Unless it exited with one of these codes (supervisord's `exitcodes`).
    Unexpected(Vec<i32>),
    /// Never.
    Never,
}

/// How a process is asked to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The signal, by its name without `SIG` (`TERM`, `INT`, `QUIT`, `USR1` …).
    pub signal: String,
    /// How long it may take; it ends early when the last of its processes is gone, and in SIGKILL for what is left.
    pub grace: Duration,
    /// Who gets the signal. SIGKILL at the end always goes to the whole group.
    pub target: StopTarget,
}

/// Who gets the stop signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopTarget {
    /// The process that was started.
    Leader,
    /// Its whole process group.
    Group,
}

impl Readiness {
    /// As it is written in one word: `port`, `notify`, a path (`/healthz`), or seconds (`5`, `0.5s`). `None` if it is none
    /// of them; a path holds no white space.
    pub fn from_word(word: &str) -> Option<Self> {
        let fits = |path: &&str| !path.chars().any(|c| c.is_whitespace() || c.is_control());
        match word {
            "port" => Some(Self::Port),
            "notify" => Some(Self::Notify),
            path if path.starts_with('/') => Some(path).filter(fits).map(|path| Self::Http(path.into())),
            text => seconds(text).map(Self::Uptime),
        }
    }
}

/// The longest time that is taken, in seconds: a century.
const LONGEST_TIME: f64 = 100.0 * 365.0 * 24.0 * 3600.0;

/// A time in seconds, with or without the unit: `30`, `0.5s`.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let number: f64 = text.strip_suffix('s').unwrap_or(text).parse().ok()?;
    Duration::try_from_secs_f64(number).ok().filter(|_| number <= LONGEST_TIME)
}

impl Stop {
    /// The signals that can ask a process to stop.
    pub const SIGNALS: &[&str] =
        &["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL", "WINCH", "ABRT", "ALRM", "CONT"];
}

impl ProcessType {
    /// A process type with what foreman's and Heroku's users expect: one process, `TERM` to the group, 10 s of grace,
    /// restarted for ever with a wait from 100 ms to 30 s, ready when its port answers if it is called `web` and at
    /// once otherwise, 60 s to become ready.
    pub fn new(name: impl Into<String>, command: CommandLine) -> Self {
        let name = name.into();
        let ready = if name == "web" { Readiness::Port } else { Readiness::Uptime(Duration::ZERO) };
        Self {
            name,
            command,
            count: 1,
            directory: None,
            environment: Vec::new(),
            user: None,
            umask: None,
            port: None,
            ready,
            ready_timeout: Duration::from_mins(1),
            restart: Restart::default(),
            essential: false,
            after: Vec::new(),
            priority: 999,
            stop: Stop::default(),
        }
    }
}

/// The longest name of a process type, as DNS has it for a label.
pub const LONGEST_NAME: usize = 63;

/// Why a text is no name of a process type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error("a process type needs a name")]
    Empty,
    /// It is longer than [`LONGEST_NAME`].
    #[error("a name of {length} letters: {LONGEST_NAME} is the most")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// It has a character that is not allowed.
    #[error("{found:?} in the name of a process type")]
    Character {
        /// The byte it begins at.
        at: usize,
        /// The character.
        found: char,
    },
}

/// Whether a text can name a process type: `[A-Za-z0-9_-]{1,63}`.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    match name.char_indices().find(|(_, c)| !allowed(*c)) {
        Some((at, found)) => Err(NameError::Character { at, found }),
        None if name.len() > LONGEST_NAME => Err(NameError::TooLong { length: name.len() }),
        None => Ok(()),
    }
}

/// A process type's name as a label of a host name: lower case, `-` for `_`. `None` where no label comes of it:
/// it has to begin and end with a letter or a digit (RFC 1123).
pub fn host_label(name: &str) -> Option<String> {
    let label = name.to_ascii_lowercase().replace('_', "-");
    let fits = check_name(name).is_ok() && !label.starts_with('-') && !label.ends_with('-');
    fits.then_some(label)
}

impl fmt::Debug for ProcessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment: Vec<_> =
            self.environment.iter().map(|(name, value)| (name, crate::mask(name, value))).collect();
        f.debug_struct("ProcessType")
            .field("name", &self.name)
            .field("command", &shown(&self.command))
            .field("count", &self.count)
            .field("directory", &self.directory)
            .field("environment", &environment)
            .field("user", &self.user)
            .field("umask", &self.umask)
            .field("port", &self.port)
            .field("ready", &self.ready)
            .field("ready_timeout", &self.ready_timeout)
            .field("restart", &self.restart)
            .field("essential", &self.essential)
            .field("after", &self.after)
            .field("priority", &self.priority)
            .field("stop", &self.stop)
            .finish()
    }
}

/// A command with passwords covered.
fn shown(command: &CommandLine) -> CommandLine {
    match command {
        CommandLine::Shell(line) => CommandLine::Shell(crate::mask("", line)),
        CommandLine::Argv(words) => {
            CommandLine::Argv(words.iter().map(|word| crate::mask("", word)).collect())
        }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::Always,
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            tries: None,
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: "TERM".into(), grace: Duration::from_secs(10), target: StopTarget::Group }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_two_signs() {
        assert_eq!(check_name("web_2-A"), Ok(()));
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name("wéb"), Err(NameError::Character { at: 1, found: 'é' }));
        assert_eq!(check_name(&"a".repeat(63)), Ok(()));
        assert_eq!(check_name(&"a".repeat(64)), Err(NameError::TooLong { length: 64 }));
    }

    #[test]
    fn readiness_in_a_word() {
        let seconds = |seconds| Some(Readiness::Uptime(Duration::from_secs_f64(seconds)));
        for (word, expected) in [
            ("port", Some(Readiness::Port)),
            ("notify", Some(Readiness::Notify)),
            ("/up?x=1", Some(Readiness::Http("/up?x=1".into()))),
            ("0", seconds(0.0)),
            ("0.5", seconds(0.5)),
            ("5s", seconds(5.0)),
            ("/a b", None),
            ("/a\r\nX: y", None),
            ("soon", None),
            ("", None),
            ("s", None),
            ("-1", None),
            ("nan", None),
            ("inf", None),
            ("1e300", None),
            ("3153600001", None),
        ] {
            assert_eq!(Readiness::from_word(word), expected, "{word:?}");
        }
    }

    #[test]
    fn host_labels() {
        assert_eq!(host_label("Web_API").as_deref(), Some("web-api"));
        assert_eq!(host_label("_web"), None);
        assert_eq!(host_label("web-"), None);
    }

    #[test]
    fn debug_covers_secrets() {
        let mut web = ProcessType::new("web", CommandLine::Shell("x --db mongodb://a:hunter2@h/".into()));
        web.environment = vec![("TOKEN".into(), "hunter2".into()), ("MODE".into(), "fast".into())];
        let shown = format!("{web:?}");
        assert!(!shown.contains("hunter2") && shown.contains("fast"), "{shown}");
    }
}
