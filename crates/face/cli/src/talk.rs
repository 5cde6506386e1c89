//! Standard output for data, standard error for talk.

use std::io::Write as _;
use std::path::Path;

use host::{Attributes, Files as _, System};
use modules::{Level, Messages};
use report::{Problem, Problems, Severity, Sources, Style};

use crate::arguments::{Common, LogLevel};
use crate::output::{Paint, harmless};
use crate::terminal::Surroundings;

/// Where things are said, and how.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    /// Colours on standard output.
    pub out: Paint,
    /// Colours on standard error.
    pub error: Paint,
    /// How much is said.
    pub level: LogLevel,
    /// Whether progress is shown.
    pub progress: bool,
    /// Whether standard output is a terminal.
    pub out_is_terminal: bool,
}

#[expect(clippy::unused_self, reason = "whoever talks does not choose where it goes")]
impl Talk {
    /// As the surroundings and options have it.
    pub(crate) fn new(surroundings: &Surroundings, common: &Common) -> Self {
        Self::of(surroundings, common.force_color, common.no_color, common.log_level)
    }

    /// The same, for commands with other options.
    pub(crate) fn of(surroundings: &Surroundings, forced: bool, forbidden: bool, level: LogLevel) -> Self {
        let paint = |terminal| surroundings.paint(terminal, forced, forbidden);
        Self {
            out: paint(surroundings.stdout_is_terminal),
            error: paint(surroundings.stderr_is_terminal),
            level,
            progress: surroundings.stderr_is_terminal && level > LogLevel::Quiet,
            out_is_terminal: surroundings.stdout_is_terminal,
        }
    }

    /// Writes data to standard output. A reader that went away is no failure.
    pub(crate) fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Writes data to a file if one is named, to standard output otherwise.
    pub(crate) fn emit(&self, text: &str, file: Option<&Path>, surroundings: &Surroundings) {
        let Some(file) = file else { return self.data(text) };
        let host = System::new(surroundings.environment.clone());
        let path = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        if let Err(error) = host.write(&path, text.as_bytes(), &Attributes::default()) {
            let problem = Problem::error("output.unwritable", error.to_string())
                .why("what was to go there is printed instead");
            let problem = error.hint().into_iter().fold(problem, Problem::hint);
            self.problems(&problem.into(), &Sources::new());
            self.data(text);
        }
    }

    /// Shows what templates and functions had to say, as far as the level lets it through.
    pub(crate) fn messages(&self, messages: &Messages) {
        for (level, text) in messages.take() {
            let least = match level {
                Level::Debug => LogLevel::Debug,
                Level::Info => LogLevel::Info,
                Level::Warning => LogLevel::Warning,
                Level::Error | Level::Critical => LogLevel::Error,
            };
            if self.level >= least {
                self.line(&format!("[{:<8}] {}", level.to_string(), harmless(&text)));
            }
        }
    }

    /// Writes a line to standard error.
    pub(crate) fn line(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Renders problems to standard error, as far as the level lets them through.
    pub(crate) fn problems(&self, problems: &Problems, sources: &Sources) {
        let style = if self.error.enabled { Style::Colour } else { Style::Plain };
        for problem in problems.iter() {
            let least = match problem.severity {
                Severity::Error => LogLevel::Error,
                Severity::Warning | Severity::Note => LogLevel::Warning,
            };
            if self.level >= least {
                self.line(&report::render(problem, sources, style));
            }
        }
    }
}
