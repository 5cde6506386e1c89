//! `[program:x]` sections.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use report::Problem;

use super::expand::Named;
use super::ini::Section as IniSection;
use super::options::Options;
use super::{Common, Log, LogTarget, Outside, Process, Program, Reader, Supervisord, read_environment};
use crate::process_type::{LONGEST_NAME, check_name};
use crate::shlex::{SPLIT, split};
use crate::{CommandLine, ProcessType, Readiness, Restart, Stop, StopTarget};

/// How much text is read again and again for the processes of programs, in bytes.
const MOST_READ_AGAIN: usize = 4 << 20;

/// One section, as a program of one group.
pub(super) struct Section<'s> {
    pub(super) options: &'s IniSection,
    pub(super) program: &'s str,
    pub(super) group: &'s str,
    pub(super) common: &'s Common,
}

/// What may differ between the processes of a program.
#[derive(Clone, PartialEq)]
struct Instance {
    command: CommandLine,
    directory: Option<PathBuf>,
    /// Variables without the port.
    environment: IndexMap<String, String>,
    port: Option<u16>,
    process: Process,
}

/// The programs of a section: one, or one for each process where they differ. None if something is wrong.
pub(super) fn read(reader: &mut Reader<'_, '_>, section: &Section<'_>) -> Vec<Program> {
    let outside = reader.outside;
    let general = |name: &str| known(outside, section, name, None, None);
    let defaults = reader.ini.sections.get("DEFAULT");
    let mut options =
        Options { section: section.options, defaults, names: &general, findings: reader.findings };
    if options.written("command").is_none() {
        let what = format!("the program `{}` has no command", section.program);
        let problem = Problem::error("supervisord.no-command", what).at(section.options.span);
        reader.findings.push(problem.hint("add a line `command=…`"));
        return Vec::new();
    }
    let most = i64::from(Supervisord::MOST_PROCESSES);
    let count = options.number("numprocs", 1, 0, most);
    let first = options.number("numprocs_start", 0, -1_000_000, 1_000_000);
    if count > 1
        && !options.written("process_name").is_some_and(|value| value.text.contains("%(process_num)"))
    {
        let place = options.span("process_name");
        let what = "`process_name` has to contain `%(process_num)` where `numprocs` is more than 1";
        let hint = "write `process_name=%(program_name)s_%(process_num)02d`";
        reader.findings.push(Problem::error("supervisord.process-name", what).at(place).hint(hint));
        return Vec::new();
    }
    let base = common(&mut options, section);
    let autostart = options.boolean("autostart", true);
    let size: usize = section.options.options.values().map(|value| value.text.len()).sum();
    reader.read_again += size.saturating_mul(count.unsigned_abs() as usize);
    if reader.read_again > MOST_READ_AGAIN + reader.ini.size {
        let problem = Problem::error("supervisord.too-large", "too much text for so many processes");
        let why = format!("read once for each process, sections are more than {MOST_READ_AGAIN} bytes");
        let hint = "run fewer processes, or pass large values in files";
        reader.findings.push(problem.at(section.options.span).why(why).hint(hint));
        return Vec::new();
    }
    // A program without processes is read as if it had one.
    let mut instances = Vec::new();
    for number in first..first + count.max(1) {
        let errors = reader.findings.errors();
        match instance(reader, section, number, count) {
            Some(instance) if reader.findings.errors() == errors => instances.push(instance),
            _ => return Vec::new(),
        }
    }
    let build = |process_type, instances: &[Instance]| Program {
        process_type,
        section: section.program.to_string(),
        group: section.group.to_string(),
        autostart,
        processes: instances.iter().take(count as usize).map(|instance| instance.process.clone()).collect(),
        span: section.options.span,
    };
    if are_alike(&instances) {
        let name = named(reader, section, section.program);
        return vec![build(with(&base, name, count as u32, &instances[0]), &instances)];
    }
    let problem = Problem::note(
        "supervisord.differ",
        format!("each process of `{}` is a process type of its own", section.program),
    );
    let why = "their commands, directories or variables differ by more than a port that counts up";
    reader.findings.push(problem.at(section.options.span).why(why));
    let each = |instance: &Instance| {
        let name = named(reader, section, &instance.process.name);
        build(with(&base, name, 1, instance), std::slice::from_ref(instance))
    };
    instances.iter().map(each).collect()
}

/// Looks a name up that stands in a value.
fn known(
    outside: Outside<'_>,
    section: &Section<'_>,
    name: &str,
    process: Option<(i64, i64)>,
    vars: Option<&IndexMap<String, String>>,
) -> Option<Named> {
    let text = |text: &str| Some(Named::Text(text.to_string()));
    match (name, process) {
        ("program_name", _) => text(section.program),
        ("group_name", _) => text(section.group),
        ("process_num", Some((number, _))) => Some(Named::Number(number)),
        ("numprocs", Some((_, count))) => Some(Named::Number(count)),
        _ => {
            let set = name.strip_prefix("ENV_").and_then(|name| {
                let own = vars.and_then(|vars| vars.get(name));
                own.or(section.common.environment.get(name)).map(|value| Named::Text(value.clone()))
            });
            set.or_else(|| outside.get(name))
        }
    }
}

/// What all processes of a program have in common.
fn common(options: &mut Options<'_, '_>, section: &Section<'_>) -> ProcessType {
    let retries = options.number("startretries", 3, 0, 1_000_000) as u32;
    let startsecs = options.seconds("startsecs", 1);
    let as_group = options.boolean("stopasgroup", false);
    let kill_group = options.boolean("killasgroup", as_group);
    if !kill_group && options.written("killasgroup").is_some() {
        let place = options.span("killasgroup");
        options.findings.push(if as_group {
            Problem::error("supervisord.value", "`killasgroup=false` does not go with `stopasgroup=true`")
                .at(place)
                .hint("remove it")
        } else {
            Problem::note("supervisord.no-meaning", "`killasgroup=false` has no meaning here")
                .at(place)
                .why("SIGKILL always goes to the whole process group, so that nothing is left behind")
        });
    }
    let base = ProcessType::new(section.program, CommandLine::Argv(Vec::new()));
    let ready_timeout = base.ready_timeout.max(startsecs.saturating_mul(2));
    ProcessType {
        ready: Readiness::Uptime(startsecs),
        ready_timeout,
        restart: Restart {
            policy: options.restart_policy(),
            first: Duration::from_secs(1),
            longest: Duration::from_secs(u64::from(retries.max(1))),
            tries: Some(retries + 1),
        },
        priority: options.number("priority", 999, i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
        stop: Stop {
            signal: options.signal("stopsignal", "TERM"),
            grace: options.seconds("stopwaitsecs", 10),
            target: if as_group { StopTarget::Group } else { StopTarget::Leader },
        },
        user: options.text("user").filter(|user| !user.is_empty()).or(section.common.user.clone()),
        umask: options.umask("umask").or(section.common.umask),
        ..base
    }
}

/// One process: its number, and how many there are.
fn instance(reader: &mut Reader<'_, '_>, section: &Section<'_>, number: i64, count: i64) -> Option<Instance> {
    let process = Some((number, count));
    let outside = reader.outside;
    let before = |name: &str| known(outside, section, name, process, None);
    let defaults = reader.ini.sections.get("DEFAULT");
    let mut options =
        Options { section: section.options, defaults, names: &before, findings: reader.findings };
    let mut environment = read_environment(&mut options);
    let vars = environment.clone();
    let names = |name: &str| known(outside, section, name, process, Some(&vars));
    let mut options =
        Options { section: section.options, defaults, names: &names, findings: reader.findings };
    let command = command(&mut options)?;
    let directory = options.text("directory").filter(|directory| !directory.is_empty()).map(PathBuf::from);
    let name = match options.written("process_name") {
        Some(_) => options.text("process_name")?.trim().to_string(),
        None => section.program.to_string(),
    };
    let merged = options.boolean("redirect_stderr", false);
    let stdout = log(&mut options, "stdout");
    let stderr = log(&mut options, "stderr");
    let stderr = if merged { Log { target: LogTarget::Stdout, ..stderr } } else { stderr };
    let port = environment.get("PORT").filter(|text| is_port(text)).and_then(|text| text.parse().ok());
    if port.is_some() {
        environment.shift_remove("PORT");
    }
    Some(Instance { command, directory, environment, port, process: Process { name, stdout, stderr } })
}

/// Whether a text is a port as a program would be given it.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == text)
}

fn command(options: &mut Options<'_, '_>) -> Option<CommandLine> {
    let text = options.text("command")?;
    let place = options.span("command");
    let Ok(words) = split(&text, SPLIT) else {
        let mut problem = Problem::error("supervisord.command", "a quotation in the command is never closed");
        if options.written("command").is_some_and(|value| value.cut) {
            problem = problem.why("` ;` and ` #` begin a comment, even between quotes");
        }
        options.findings.push(problem.at(place).hint("close it, or write the quote with a backslash"));
        return None;
    };
    let words: Vec<String> = words.into_iter().map(|word| word.text).collect();
    match words.as_slice() {
        [] => {
            options.findings.push(Problem::error("supervisord.command", "the command is empty").at(place));
            None
        }
        [shell, flag, line] if shell == "/bin/sh" && flag == "-c" => Some(CommandLine::Shell(line.clone())),
        _ => Some(CommandLine::Argv(words)),
    }
}

fn log(options: &mut Options<'_, '_>, stream: &str) -> Log {
    let key = |end: &str| format!("{stream}_{end}");
    let written = options.text(&key("logfile"));
    let mut syslog = options.boolean(&key("syslog"), false);
    let target = match written.as_deref().map(str::to_lowercase).as_deref() {
        None | Some("auto") => LogTarget::Auto,
        Some("none" | "off") => LogTarget::Nothing,
        Some("syslog") => {
            syslog = true;
            LogTarget::Nothing
        }
        Some(_) => LogTarget::File(written.unwrap_or_default()),
    };
    Log {
        target,
        max_bytes: options.bytes(&key("logfile_maxbytes"), 50 << 20),
        backups: options.number(&key("logfile_backups"), 10, 0, i64::from(u32::MAX)) as u32,
        syslog,
    }
}

/// Whether all are one process type: alike, but for a port that counts up.
fn are_alike(instances: &[Instance]) -> bool {
    instances.windows(2).all(|two| {
        let [one, next] = two else { return true };
        let ports = match (one.port, next.port) {
            (None, None) => true,
            (Some(one), Some(next)) => one.checked_add(1) == Some(next),
            _ => false,
        };
        ports
            && one.command == next.command
            && one.directory == next.directory
            && one.environment == next.environment
    })
}

fn with(base: &ProcessType, name: String, count: u32, instance: &Instance) -> ProcessType {
    ProcessType {
        name,
        count,
        command: instance.command.clone(),
        directory: instance.directory.clone(),
        environment: instance.environment.clone().into_iter().collect(),
        port: instance.port,
        ..base.clone()
    }
}

/// The name of the process type; says so if it is not the program's.
fn named(reader: &mut Reader<'_, '_>, section: &Section<'_>, name: &str) -> String {
    let allowed = type_name(name);
    if allowed != name {
        let what = format!("`{name}` is called `{allowed}` here");
        let why = "a process type has letters, digits, `_` and `-` in its name, at most 63";
        reader.findings.push(Problem::note("supervisord.name", what).at(section.options.span).why(why));
    }
    allowed
}

/// A text made a name of a process type.
pub(super) fn type_name(text: &str) -> String {
    let allowed = |c: char| if check_name(c.encode_utf8(&mut [0; 4])).is_ok() { c } else { '-' };
    let name: String = text.chars().map(allowed).take(LONGEST_NAME).collect();
    if name.is_empty() { "-".to_string() } else { name }
}
