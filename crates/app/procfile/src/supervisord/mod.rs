//! `supervisord.conf` as it is: programs, groups and their options become process types.
//!
//! The grammar is supervisord 4's: its INI with `;` comments and continued values, `[include]`, `%(name)s` in
//! values, `environment` with its own quoting, commands split into words without a shell. What has a meaning here
//! becomes a [`Program`]; sections about supervisord itself (its socket, its control program, its own log) are
//! passed over; event listeners and FastCGI programs are not run, which is said. Keys that supervisord would silently ignore
//! are warnings with their line.
//!
//! How options carry over, where it is not plain:
//!
//! * `startsecs` is the [readiness](crate::Readiness::Uptime); `startretries=N` allows N + 1 starts in a row that
//!   never got that far. supervisord waits 1, 2, 3 … seconds in between; here the wait begins at a second, doubles, and
//!   is at most N seconds.
//! * `stopasgroup` says who gets the stop signal. SIGKILL always goes to the whole group, as with `killasgroup`.
//! * `numprocs` processes whose command, directory and variables are alike are one process type. Where they differ,
//!   each is a type of its own, called by its process name. `PORT` may count up: it becomes the type's port.
//! * A command `/bin/sh -c 'line'` is a shell's line.
//! * `user` and `umask` of `[supervisord]` hold for programs without their own. Its `environment` is
//!   [`Supervisord::environment`], for the app's config vars.
//! * In supervisord the priority of a group comes before those of its programs. Here each program has one number
//!   that puts all of them in that order, for the start too: supervisord starts the programs of a group as its
//!   `programs` lists them, and looks at their priorities only when it stops them.

mod environment;
mod expand;
mod groups;
mod ini;
mod keys;
mod options;
mod priority;
mod program;
#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use report::{Problem, Problems, Sources};
use value::Span;

use crate::ProcessType;
use crate::text::{self, Findings};
pub(crate) use environment::before_4_4;
use environment::pairs;
use expand::Named;
use ini::Ini;
use options::Options;

/// What a `supervisord.conf` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervisord {
    /// The programs in the order in which supervisord starts them.
    pub programs: Vec<Program>,
    /// The groups that the file defines, in its order. Other programs are in a group of their own name.
    pub groups: Vec<Group>,
    /// The variables of `[supervisord]`, for all programs; those of a program win over them.
    pub environment: Vec<(String, String)>,
}

/// One process type, and what supervisord has beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// How it runs. Its name is the program's, with `-` for what a process type cannot have in its name.
    pub process_type: ProcessType,
    /// What its section is called.
    pub section: String,
    /// The group it belongs to: of a `[group:x]` section, or the program's own name.
    pub group: String,
    /// Whether it is started with the others. Otherwise somebody starts it by hand.
    pub autostart: bool,
    /// Its processes in order, as many as the type's count.
    pub processes: Vec<Process>,
    /// Where its section begins.
    pub span: Span,
}

/// One process of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// supervisord's name of it.
    pub name: String,
    /// Where its standard output goes.
    pub stdout: Log,
    /// Where its standard error goes; [`LogTarget::Stdout`] with `redirect_stderr`.
    pub stderr: Log,
}

/// What happens to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where it is written.
    pub target: LogTarget,
    /// When the file is rotated, in bytes; 0 for never.
    pub max_bytes: u64,
    /// How many rotated files are kept.
    pub backups: u32,
    /// Whether it goes to syslog too.
    pub syslog: bool,
}

/// Where a stream is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Wherever the supervisor thinks right.
    Auto,
    /// Nowhere.
    Nothing,
    /// To this file.
    File(String),
    /// Standard error: with standard output.
    Stdout,
}

/// A `[group:x]` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Lower numbers start first and stop last.
    pub priority: i32,
    /// The programs, as the section names them.
    pub programs: Vec<String>,
    /// Where the section begins.
    pub span: Span,
}

/// A file that `[include]` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigText {
    /// Its path, absolute as far as `%(here)s` is to be.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What reading a configuration depends on.
pub struct SupervisordContext<'c> {
    /// The directory of the file, which `%(here)s` stands for and `[include]` begins at.
    pub here: &'c str,
    /// The machine's name, which `%(host_node_name)s` stands for.
    pub host: &'c str,
    /// The process environment, for `%(ENV_X)s`.
    pub process: &'c dyn Fn(&str) -> Option<String>,
    /// Gives the files that match a pattern of `[include]` (a glob, beginning with `here` unless it is absolute), or
    /// says in a line why not.
    pub include: &'c mut dyn FnMut(&str) -> Result<Vec<ConfigText>, String>,
}

impl Supervisord {
    /// The longest file that is read, in bytes. Readers need to read no more than one byte beyond it.
    pub const LONGEST: usize = 1 << 20;
    /// The most files that `[include]` may bring.
    pub const MOST_FILES: usize = 1000;
    /// The most processes of one program.
    pub const MOST_PROCESSES: u32 = 1000;
    /// The longest that all files may be together, in bytes.
    pub const LONGEST_IN_ALL: usize = 8 << 20;
    /// The most processes of all programs.
    pub const MOST_IN_ALL: usize = 10_000;

    /// Reads the bytes of a configuration called `name`. Its text and those it includes, with secrets covered, are registered in `sources`.
    ///
    /// `None` if there is an error among the problems: bytes that are no text, lines that are no INI, values that
    /// mean nothing, programs without a command, groups of unknown programs, no program at all.
    pub fn parse(
        name: &str,
        bytes: &[u8],
        context: &mut SupervisordContext<'_>,
        sources: &Sources,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut findings = Findings::new(name, problems);
        let mut ini = Ini::default();
        add(&mut ini, name, context.here, bytes, sources, &mut findings);
        include(&mut ini, context, sources, &mut findings);
        keys::check(&ini, &mut findings);
        let outside = Outside { host: context.host, process: context.process };
        let configuration = Reader { ini: &ini, outside, findings: &mut findings, read_again: 0 }.read(name);
        findings.finish().then_some(configuration)
    }
}

fn add(ini: &mut Ini, name: &str, here: &str, bytes: &[u8], sources: &Sources, findings: &mut Findings<'_>) {
    match text::decode(name, bytes, Supervisord::LONGEST, sources, ini::covered) {
        Ok(text) => ini.add(name, here, text, sources, findings),
        Err(problem) => findings.push(problem),
    }
}

/// Adds the files that `[include]` names. As in supervisord, what they include in turn does not count.
fn include(
    ini: &mut Ini,
    context: &mut SupervisordContext<'_>,
    sources: &Sources,
    findings: &mut Findings<'_>,
) {
    let Some(section) = ini.sections.get("include") else { return };
    let span = section.span;
    let outside = Outside { host: context.host, process: context.process };
    let names = |name: &str| outside.get(name);
    let mut options = Options { section, defaults: ini.sections.get("DEFAULT"), names: &names, findings };
    let place = options.span("files");
    if options.written("files").is_none() {
        let problem = Problem::error("supervisord.include", "`[include]` names no files").at(span);
        findings.push(problem.hint("add a line such as `files = conf.d/*.conf`"));
        return;
    }
    let Some(patterns) = options.text("files") else { return };
    let mut count = 0;
    for pattern in patterns.split_whitespace() {
        let pattern = if pattern.starts_with('/') {
            pattern.to_string()
        } else {
            format!("{}/{pattern}", context.here)
        };
        let mut files = match (context.include)(&pattern) {
            Ok(files) => files,
            Err(why) => {
                let what = format!("`{pattern}` cannot be included");
                findings.push(Problem::error("supervisord.include", what).at(place).why(why));
                continue;
            }
        };
        if files.is_empty() {
            let what = format!("no file matches `{pattern}`");
            findings.push(Problem::warning("supervisord.include", what).at(place));
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        for file in files {
            count += 1;
            if ini.size + file.bytes.len() > Supervisord::LONGEST_IN_ALL {
                let what = format!("the files are more than {} bytes together", Supervisord::LONGEST_IN_ALL);
                findings.push(Problem::error("supervisord.include", what).at(place));
                return;
            }
            if count > Supervisord::MOST_FILES {
                let what = format!("more than {} files are included", Supervisord::MOST_FILES);
                findings.push(Problem::error("supervisord.include", what).at(place));
                return;
            }
            let here = file
                .path
                .rsplit_once('/')
                .map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder });
            add(ini, &file.path, here, &file.bytes, sources, findings);
        }
    }
    if let Some(inner) = ini.sections.get("include").and_then(|section| section.options.get("files"))
        && inner.span.source != place.source
    {
        let problem = Problem::warning("supervisord.include", "an included file cannot include others")
            .at(inner.key_span);
        findings.push(problem.related(span, "only this section counts"));
    }
}

/// Names that are known everywhere.
#[derive(Clone, Copy)]
struct Outside<'o> {
    host: &'o str,
    process: &'o dyn Fn(&str) -> Option<String>,
}

impl Outside<'_> {
    fn get(&self, name: &str) -> Option<Named> {
        match name.strip_prefix("ENV_") {
            Some(var) => (self.process)(var).map(Named::Text),
            None => (name == "host_node_name").then(|| Named::Text(self.host.to_string())),
        }
    }
}

/// All sections being turned into programs.
struct Reader<'r, 'p> {
    ini: &'r Ini,
    outside: Outside<'r>,
    findings: &'r mut Findings<'p>,
    /// Bytes of sections that are read once more for each process.
    read_again: usize,
}

/// What `[supervisord]` says about all programs.
#[derive(Default)]
struct Common {
    environment: IndexMap<String, String>,
    user: Option<String>,
    umask: Option<u32>,
}

impl Reader<'_, '_> {
    fn read(&mut self, name: &str) -> Supervisord {
        let common = self.common();
        let groups = groups::read(self);
        let mut programs = groups::programs(self, &groups, &common);
        if programs.is_empty() && !self.findings.has_errors() {
            let problem = Problem::error("supervisord.empty", format!("{name} has no programs")).on(name);
            self.findings.push(problem.hint("add a section such as `[program:web]` with a `command`"));
        }
        priority::order(&mut programs, &groups);
        let programs = programs.into_iter().map(|found| found.program).collect();
        Supervisord { programs, groups, environment: common.environment.into_iter().collect() }
    }

    fn common(&mut self) -> Common {
        let Some(section) = self.ini.sections.get("supervisord") else { return Common::default() };
        let names = |name: &str| self.outside.get(name);
        let defaults = self.ini.sections.get("DEFAULT");
        let mut options = Options { section, defaults, names: &names, findings: self.findings };
        Common {
            environment: read_environment(&mut options),
            user: options.text("user").filter(|user| !user.is_empty()),
            umask: options.umask("umask"),
        }
    }
}

/// The variables of a section.
fn read_environment(options: &mut Options<'_, '_>) -> IndexMap<String, String> {
    let Some(text) = options.text("environment") else { return IndexMap::new() };
    let place = options.span("environment");
    match pairs(&text) {
        Ok(pairs) => {
            if let Some(odd) = pairs.odd {
                let problem =
                    Problem::warning("supervisord.environment", format!("`{odd}` between two variables"));
                options.findings.push(problem.at(place).hint("variables are parted by commas"));
            }
            if before_4_4(&text).as_ref() != Some(&pairs.vars) {
                let problem = Problem::note(
                    "supervisord.versions",
                    "supervisor before 4.4 reads another `environment`",
                );
                let why = "it knows no backslashes in quotes, and takes quotes at both ends of a value away";
                options.findings.push(problem.at(place).why(why));
            }
            pairs.vars
        }
        Err(error) => {
            let problem = Problem::error("supervisord.environment", error.to_string()).at(place);
            let problem = if options.written("environment").is_some_and(|value| value.cut) {
                problem.why("` ;` and ` #` begin a comment, even between quotes")
            } else {
                problem
            };
            options.findings.push(problem.hint("put values in double quotes: `environment=A=\"b\",C=\"d\"`"));
            IndexMap::new()
        }
    }
}
