//! `Procfile`: which process types an app has, one `NAME: COMMAND` a line.
//!
//! The grammar is foreman's line, `^([A-Za-z0-9_-]+):\s*(.+)$`, which Heroku, honcho and node-foreman read too.
//! Spaces before the name, CR LF, a byte order mark, blank lines and lines that begin with `#` are fine. Anything
//! else is an error with its line ([`Mode::Strict`]) or a warning ([`Mode::Lenient`], as the others have it): a
//! merge marker or a forgotten colon is a process that silently does not run. A command is a line for `/bin/sh -c`
//! and is kept as it is; there are no continuation lines.
//!
//! Two names are special. [`RELEASE`] is run once before a release and never belongs to the running set.
//! `all` means every process type in a [`Formation`](crate::Formation), so that a process type should not be
//! called so.

mod line;
mod print;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use report::{Problem, Problems, Sources};
use value::{SourceId, Span};

use crate::secrets::{cover, secret_parts};
use crate::text::{self, Findings};
use crate::{CommandLine, ProcessType, host_label};
use line::{Kind, Mistake};
pub use print::{Unprintable, print};

/// The process type that is run once before a release and is never part of the running set.
pub const RELEASE: &str = "release";

/// What happens to lines that are no entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are errors.
    #[default]
    Strict,
    /// They are ignored, each with a warning.
    Lenient,
}

/// The process types of a Procfile, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procfile {
    entries: Vec<Entry>,
}

/// One line of a Procfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The process type, `[A-Za-z0-9_-]{1,63}`.
    pub name: String,
    /// The line for `/bin/sh -c`, as written (not empty, one line).
    pub command: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the command stands.
    pub command_span: Span,
}

impl Entry {
    /// From the name to the end of the command.
    pub fn span(&self) -> Span {
        self.name_span.to(self.command_span)
    }

    /// The process type as it runs by default: see [`ProcessType::new`].
    pub fn process_type(&self) -> ProcessType {
        ProcessType::new(&self.name, CommandLine::Shell(self.command.clone()))
    }
}

impl Procfile {
    /// The longest Procfile that is read, in bytes. Readers need to read no more than one byte beyond it.
    pub const LONGEST: usize = 1 << 20;

    /// Reads the bytes of a Procfile called `name`. Its text, with passwords in commands covered, is registered in
    /// `sources`.
    ///
    /// `None` if there is an error among the problems: bytes that are no text, a line that is no entry, two entries
    /// of one name, a name longer than 63 letters, no process type to run.
    pub fn parse(
        name: &str,
        bytes: &[u8],
        mode: Mode,
        sources: &Sources,
        problems: &mut Problems,
    ) -> Option<Self> {
        let text = match text::decode(name, bytes, Self::LONGEST, sources, covered) {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let mut reader = Reader {
            source: sources.add(name, covered(text)),
            mode,
            entries: Vec::new(),
            seen: HashMap::new(),
            labels: HashMap::new(),
            findings: Findings::new(name, problems),
        };
        reader.read(text);
        reader.finish(name)
    }

    /// All entries in the order of the file, `release` among them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What is run once before a release.
    pub fn release(&self) -> Option<&Entry> {
        self.get(RELEASE)
    }

    /// The process types that can run, in the order of the file: all but `release`, one process of each.
    pub fn process_types(&self) -> Vec<ProcessType> {
        self.running().map(Entry::process_type).collect()
    }

    /// The entries that can run: all but `release`.
    pub fn running(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.name != RELEASE)
    }
}

/// The Procfile's text: one entry a line. Reading it again gives the same names and commands.
impl fmt::Display for Procfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{}: {}", entry.name, entry.command))
    }
}

/// The text as it may be shown: passwords in commands are covered.
fn covered(text: &str) -> String {
    let parts = text::lines(text).flat_map(|line| {
        let parts = secret_parts("", line.text).into_iter();
        parts.map(move |part| line.start + part.start..line.start + part.end)
    });
    cover(text, parts)
}

struct Reader<'p> {
    source: SourceId,
    mode: Mode,
    entries: Vec<Entry>,
    /// Name to its entry.
    seen: HashMap<String, usize>,
    /// Host label to its entry.
    labels: HashMap<String, usize>,
    findings: Findings<'p>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let mut continued = false;
        for line in text::lines(text) {
            let found = line::read(line.text, continued);
            continued = line.text.ends_with('\\');
            let span = |range: &std::ops::Range<usize>| {
                Span::new(self.source, line.start + range.start, line.start + range.end)
            };
            match found {
                Ok(Kind::Nothing) => {}
                Ok(Kind::Entry { name, command }) => {
                    let entry = Entry {
                        name: line.text[name.clone()].to_string(),
                        command: line.text[command.clone()].to_string(),
                        name_span: span(&name),
                        command_span: span(&command),
                    };
                    self.entry(entry);
                }
                Err(mistake) => {
                    let place = span(&mistake.at);
                    self.mistake(mistake, place);
                }
            }
        }
    }

    fn entry(&mut self, entry: Entry) {
        if entry.command.ends_with('\\') {
            let end = entry.command_span.end as usize;
            let mistake = Mistake::continuation();
            self.mistake(mistake, Span::new(self.source, end - 1, end));
        }
        if let Some(first) = self.seen.get(&entry.name) {
            let problem = Problem::error(
                "procfile.duplicate",
                format!("two process types are called `{}`", entry.name),
            )
            .at(entry.name_span)
            .label("again here")
            .related(self.entries[*first].name_span, "first here")
            .why(
                "foreman would run both, node-foreman the last one only; honcho and overmind refuse the file",
            )
            .hint("give one of them another name, or remove it");
            self.findings.push(problem);
            return;
        }
        self.name(&entry);
        self.seen.insert(entry.name.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// Warns about names that mean something else elsewhere.
    fn name(&mut self, entry: &Entry) {
        if entry.name == "all" {
            let problem =
                Problem::warning("procfile.name-all", "`all` means every process type in a formation")
                    .at(entry.name_span)
                    .why("`all=2` scales every process type, so this one cannot be scaled by itself")
                    .hint("give it another name");
            self.findings.push(problem);
        }
        if entry.name == RELEASE {
            return;
        }
        let Some(label) = host_label(&entry.name) else {
            let what = format!("`{}` cannot be part of a host name", entry.name);
            let problem = Problem::warning("procfile.host-label", what)
                .at(entry.name_span)
                .why("the router can name a process type in a host, and such a name has to begin and end with a letter or digit")
                .hint("give it another name if it is to be reached by host");
            self.findings.push(problem);
            return;
        };
        if let Some(first) = self.labels.insert(label.clone(), self.entries.len()) {
            let first = &self.entries[first];
            let what =
                format!("`{}` and `{}` are the same in a host name: `{label}`", first.name, entry.name);
            let problem = Problem::warning("procfile.host-label", what)
                .at(entry.name_span)
                .related(first.name_span, "the other one")
                .hint("give one of them another name if both are to be reached by host");
            self.findings.push(problem);
        }
    }

    fn mistake(&mut self, mistake: Mistake, place: Span) {
        let lenient = self.mode == Mode::Lenient && mistake.ignorable;
        let what = if lenient { mistake.ignored } else { mistake.what };
        let problem =
            if lenient { Problem::warning(mistake.code, what) } else { Problem::error(mistake.code, what) };
        let problem = mistake.hints.into_iter().fold(problem.at(place), Problem::hint);
        self.findings.push(problem);
    }

    fn finish(mut self, name: &str) -> Option<Procfile> {
        let nothing = !self.entries.iter().any(|entry| entry.name != RELEASE);
        if nothing && !self.findings.has_errors() {
            let problem = Problem::error("procfile.empty", format!("{name} defines no process types"));
            let problem = match self.entries.first() {
                Some(release) => problem
                    .at(release.name_span)
                    .why("`release` runs once before a release; it is not part of what keeps running"),
                None => problem.on(name),
            };
            self.findings.push(problem.hint("add a line such as `web: ./server --port $PORT`"));
        }
        self.findings.finish().then_some(Procfile { entries: self.entries })
    }
}
