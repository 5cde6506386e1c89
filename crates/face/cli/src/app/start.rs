//! `start`: an app's processes in the foreground, as foreman runs them.
//!
//! Ports are foreman's; the first process that ends ends all, and its exit code is that of the command, unless the
//! settings of a process type say otherwise. With a `supervisord.conf`, programs restart as it says, and Ctrl-C ends them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keeper::core::{Notice, State};
use keeper::{Ended, Foreground, Home, Options};
use logs::Timestamp;
use procfile::{
    BasePort, ConfigText, ProcessType, Readiness, RestartPolicy, Supervisord, SupervisordContext,
    TypeSettings,
};
use release::{Definition, Variables};
use report::{Exit, Problem, Problems};

use super::daemon::own_program;
use super::describe::{Described, read_bounded};
use super::lines::Lines;
use super::place::Place;
use super::terminal_log::clock;
use crate::arguments::Start;
use crate::terminal::Surroundings;

/// How the names of folders of runs in the foreground begin.
const FOLDER: &str = "pinch-start-";

/// Runs processes until one of them ends, or somebody ends it.
pub(crate) fn start(arguments: &Start, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let definition = match &arguments.configuration {
        Some(file) => supervisord(file, arguments, &place, surroundings),
        None => procfile(arguments, &place, surroundings),
    };
    match definition {
        Ok(definition) => place.exit(run(definition, &place)),
        Err(code) => code,
    }
}

fn procfile(arguments: &Start, place: &Place, surroundings: &Surroundings) -> Result<Definition, u8> {
    let file = arguments.description.procfile.as_deref();
    let beside = file.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    let folder = arguments.folder.as_deref().or(beside).unwrap_or(Path::new("."));
    let described = Described::read(folder, &arguments.description, place, surroundings)?;
    let mut process_types = described.process_types.clone();
    if arguments.port.is_some() {
        for process_type in &mut process_types {
            process_type.port = None;
        }
    }
    let mut problems = Problems::new();
    match BasePort::choose(arguments.port, &described.config, &place.sources) {
        Ok(base) => base.assign(&described.procfile, &mut process_types, &mut problems),
        Err(problem) => problems.push(problem),
    }
    choose(&arguments.types, &mut process_types, &mut problems);
    if problems.has_errors() {
        return Err(place.fail_all(&problems));
    }
    let started: Vec<String> = process_types.iter().map(|one| one.name.clone()).collect();
    for process_type in &mut process_types {
        as_foreman(process_type, described.settings.get(&process_type.name), arguments.timeout);
        process_type.after.retain(|name| started.contains(name));
    }
    let config = described.config.reveal().into_iter().collect();
    Ok(definition(described.name, described.folder, process_types, config))
}

/// Seconds between the stop signal and SIGKILL when nobody says anything.
const GRACE: f64 = 5.0;

/// What foreman does, where neither the settings nor the option say something else.
fn as_foreman(process_type: &mut ProcessType, settings: Option<&TypeSettings>, timeout: Option<f64>) {
    if settings.is_none_or(|set| set.ready.is_none()) {
        process_type.ready = Readiness::Uptime(Duration::ZERO);
    }
    if settings.is_none_or(|set| set.restart.policy.is_none()) {
        process_type.restart.policy = RestartPolicy::Never;
    }
    process_type.essential = settings.and_then(|set| set.essential).unwrap_or(true);
    if timeout.is_some() || settings.is_none_or(|set| set.stop.grace.is_none()) {
        let seconds = timeout.unwrap_or(GRACE);
        process_type.stop.grace = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    }
}

/// Keeps the types that were named; all of them when none was.
fn choose(names: &[String], process_types: &mut Vec<ProcessType>, problems: &mut Problems) {
    let known: Vec<String> = process_types.iter().map(|one| one.name.clone()).collect();
    for name in names.iter().filter(|name| !known.contains(name)) {
        let problem = Problem::error("start.type", format!("there is no process type `{name}`"));
        let problem = problem.did_you_mean(name, known.iter().map(String::as_str));
        problems.push(problem.or_hint(format!("the Procfile has {}", known.join(", "))));
    }
    if !names.is_empty() {
        process_types.retain(|one| names.contains(&one.name));
    }
    if process_types.iter().all(|one| one.count == 0) && !problems.has_errors() {
        problems.push(
            Problem::error("start.nothing", "there is nothing to start")
                .hint("--formation all=1 runs one of each type"),
        );
    }
}

fn supervisord(
    file: &Path,
    arguments: &Start,
    place: &Place,
    surroundings: &Surroundings,
) -> Result<Definition, u8> {
    let mut problems = Problems::new();
    let path = place.folder.join(file);
    let read = |path: &Path| read_bounded(path, Supervisord::LONGEST);
    let bytes = read(&path).map_err(|error| {
        let problem =
            Problem::error("supervisord.unreadable", format!("{} cannot be read: {error}", file.display()));
        place.fail(problem.hint("name a supervisord.conf that you may read"))
    })?;
    let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    let mut include = |pattern: &str| {
        let mut found: Vec<PathBuf> = matching(&folder.join(pattern));
        found.sort();
        let text = |path: PathBuf| match read(&path) {
            Ok(bytes) => Ok(ConfigText { path: path.display().to_string(), bytes }),
            Err(error) => Err(format!("{}: {error}", path.display())),
        };
        found.into_iter().map(text).collect::<Result<Vec<_>, _>>()
    };
    let environment = |name: &str| surroundings.variable(name).map(str::to_string);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let here = folder.display().to_string();
    let mut context =
        SupervisordContext { here: &here, host: &host, process: &environment, include: &mut include };
    let name = file.display().to_string();
    let read = Supervisord::parse(&name, &bytes, &mut context, &place.sources, &mut problems);
    let Some(read) = read.filter(|_| !problems.has_errors()) else { return Err(place.fail_all(&problems)) };
    place.talk.problems(&problems, &place.sources);
    let started = read
        .programs
        .into_iter()
        .filter(|program| program.autostart || arguments.types.contains(&program.process_type.name));
    let mut process_types: Vec<ProcessType> = started.map(|program| program.process_type).collect();
    let mut problems = Problems::new();
    choose(&arguments.types, &mut process_types, &mut problems);
    if problems.has_errors() {
        return Err(place.fail_all(&problems));
    }
    let config = surroundings.environment.iter().cloned().chain(read.environment).collect();
    Ok(definition("supervisord".into(), folder, process_types, config))
}

/// Files whose names match a pattern with `*` and `?` in its last part.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| target::Pattern::new(&name).matches(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect()
}

fn definition(
    name: String,
    directory: PathBuf,
    process_types: Vec<ProcessType>,
    config: Variables,
) -> Definition {
    Definition {
        app: name,
        directory,
        revision: None,
        process_types,
        config,
        route: None,
        drains: Vec::new(),
    }
}

fn run(definition: Definition, place: &Place) -> Result<u8, Problem> {
    definition.check().map_err(|invalid| {
        Problem::error("start.invalid", invalid.to_string()).hint("mend it and start again")
    })?;
    let folder = Temporary::make()?;
    let guard = start_guard(&Home::below(&folder.0).run)?;
    let types = definition.process_types.iter();
    let names: Vec<String> =
        types.flat_map(|one| (1..=one.count).map(move |number| format!("{}.{number}", one.name))).collect();
    let lines = || Lines::new(place.talk.out, !place.talk.out_is_terminal, names.iter().map(String::as_str));
    let (mut said, mut told) = (lines(), lines());
    let foreground = Foreground {
        options: Options {
            home: Home::below(&folder.0),
            program: own_program()?,
            version: env!("CARGO_PKG_VERSION").into(),
        },
        definition,
        console: Box::new(move |said_now| {
            let line = said.line(&clock(said_now.record.time), said_now.process, said_now.record.text);
            // A reader that went away wants nothing more; the processes go on until they are ended.
            let _ = std::io::stdout().lock().write_all(&line);
            true
        }),
        notice: Box::new(move |notice| {
            if let Some(text) = words(notice) {
                let line = told.line(&clock(Timestamp::now()), "system", text.as_bytes());
                let _ = std::io::stdout().lock().write_all(&line);
            }
        }),
    };
    let ended = keeper::foreground(foreground).map_err(|error| {
        Problem::error("start.keeper", error.to_string())
            .hint("the temporary folder has to be writable")
            .exit(Exit::Failed)
    })?;
    drop(guard);
    Ok(match ended {
        Ended::Process(code) => u8::try_from(code).unwrap_or(Exit::Failed.code()),
        Ended::Signal(signal) => u8::try_from(128 + signal).unwrap_or(Exit::Interrupted.code()),
        Ended::Failed => Exit::Failed.code(),
        Ended::Done => Exit::Done.code(),
    })
}

/// What is said of a process, as foreman says it.
fn words(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Process { slot, state, last, trouble } => {
            let process = slot.process();
            match state {
                State::Starting => Some(format!("{process} started")),
                State::Backoff(_) | State::Failed(_) | State::Stopped => {
                    let why = trouble.clone().or(last.map(|ending| ending.to_string()))?;
                    Some(format!("{process} {why}"))
                }
                _ => None,
            }
        }
        Notice::EssentialEnded { .. } => Some("sending SIGTERM to all processes".into()),
        Notice::RolloutFailed { process, why, .. } if why.contains("is in use by another program") => {
            Some(format!("{process} {why}: stopping all processes; -p NUMBER begins at other ports"))
        }
        Notice::RolloutFailed { process, why, .. } => {
            Some(format!("{process} {why}: stopping all processes"))
        }
        _ => None,
    }
}

/// A folder that only this user may enter, gone with this value.
struct Temporary(PathBuf);

impl Temporary {
    fn make() -> Result<Self, Problem> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("{FOLDER}{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Problem::error("start.folder", format!("{}: {error}", path.display()))
                .hint("TMPDIR names a folder that you may write to")
                .exit(Exit::Failed)
        })?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that ends what is left, should this one be killed.
struct Guard(Child);

fn start_guard(run: &Path) -> Result<Guard, Problem> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(own_program()?);
    command
        .arg("guard")
        .arg("--keeper")
        .arg(run)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0);
    let child = command.spawn().map_err(|error| {
        Problem::error("start.guard", format!("the guard cannot be started: {error}")).exit(Exit::Failed)
    })?;
    Ok(Guard(child))
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Is the guard of a run in the foreground.
pub(crate) fn guard(arguments: &crate::arguments::Internal) -> u8 {
    keeper::guard(&arguments.keeper);
    // The folder that `start` made, if that had no time to remove it.
    if let Some(folder) = arguments.keeper.parent()
        && folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDER))
    {
        let _ = std::fs::remove_dir_all(folder);
    }
    Exit::Done.code()
}
