//! systemd units (systemd.service(5), systemd.exec(5), systemd.unit(5), systemd.syntax(7)).
//!
//! A process type with a port has one instance for each port, called by it (`shop-web@5000.service`); one without has
//! instances 1, 2, 3 … `shop.target` wants them all: `systemctl start shop.target`.

use std::path::Path;
use std::time::Duration;

use report::{Problem, Problems};

use super::{Export, ExportedFile, OPEN, PRIVATE, check, directory, note_what_is_left_out};
use crate::{CommandLine, ProcessType, Readiness, RestartPolicy, StopTarget};

/// The units of an app and the files of its config vars. `None` if there is an error among the problems.
pub fn systemd(export: &Export<'_>, problems: &mut Problems) -> Option<Vec<ExportedFile>> {
    if !check(export, problems) {
        return None;
    }
    note_what_is_left_out(export, "systemd", true, true, problems);
    let unit = |name: String, text| ExportedFile { name, is_config: false, mode: OPEN, text };
    let mut files = vec![unit(format!("{}.target", export.app), target(export))];
    files.extend(environment_file(&format!("{}.env", export.app), export.config, problems));
    for known in export.types {
        let own =
            environment_file(&format!("{}-{}.env", export.app, known.name), &known.environment, problems);
        files.push(unit(format!("{}-{}@.service", export.app, known.name), service(export, known)));
        files.extend(own);
    }
    Some(files)
}

fn target(export: &Export<'_>) -> String {
    let mut lines = vec!["[Unit]".to_string(), format!("Description={}", export.app)];
    let wanted = export.types.iter().flat_map(|known| instances(export, known));
    lines.extend(wanted.map(|unit| format!("Wants={unit}")));
    lines.extend(["", "[Install]", "WantedBy=multi-user.target", ""].map(String::from));
    lines.join("\n")
}

/// The units of the processes of a type.
fn instances(export: &Export<'_>, known: &ProcessType) -> impl Iterator<Item = String> {
    let first = known.port.map_or(1, u32::from);
    let unit = format!("{}-{}", export.app, known.name);
    (first..first + known.count).map(move |instance| format!("{unit}@{instance}.service"))
}

fn service(export: &Export<'_>, known: &ProcessType) -> String {
    let mut text = String::new();
    let mut section = |name: &str, lines: Vec<(&str, String)>| {
        text.push_str(&format!("{}[{name}]\n", if text.is_empty() { "" } else { "\n" }));
        text.extend(lines.into_iter().map(|(key, value)| format!("{key}={value}\n")));
    };
    section("Unit", unit(export, known));
    section("Service", process(export, known));
    text
}

fn unit(export: &Export<'_>, known: &ProcessType) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("Description", format!("{}: {} %i", export.app, known.name)),
        ("PartOf", format!("{}.target", export.app)),
        ("After", "network.target".to_string()),
    ];
    for other in export.types.iter().filter(|other| other.name != known.name) {
        let needed = known.after.contains(&other.name);
        if needed || other.priority < known.priority {
            lines.extend(instances(export, other).map(|unit| ("After", unit)));
        }
        if needed {
            lines.extend(instances(export, other).map(|unit| ("Wants", unit)));
        }
    }
    match known.restart.tries {
        None => lines.push(("StartLimitIntervalSec", "0".into())),
        Some(tries) => {
            lines.push(("StartLimitIntervalSec", seconds(starting_time(known, tries))));
            lines.push(("StartLimitBurst", tries.max(1).to_string()));
        }
    }
    lines
}

/// How long it takes a process to fail to start that often: what it runs for, and the waits in between.
fn starting_time(known: &ProcessType, tries: u32) -> Duration {
    let runs = match known.ready {
        Readiness::Uptime(uptime) => uptime,
        _ => known.ready_timeout,
    };
    let (mut wait, mut all) = (known.restart.first, runs.saturating_mul(tries));
    for _ in 1..tries.min(64) {
        all = all.saturating_add(wait);
        wait = wait.saturating_mul(2).min(known.restart.longest);
    }
    all.saturating_add(wait.saturating_mul(tries.saturating_sub(64))).max(Duration::from_secs(1))
}

fn process(export: &Export<'_>, known: &ProcessType) -> Vec<(&'static str, String)> {
    let directory = directory(export, known);
    let mut lines = Vec::new();
    match known.ready {
        Readiness::Notify => {
            lines.push(("Type", "notify".to_string()));
            lines.push(("NotifyAccess", "all".to_string()));
            lines.push(("TimeoutStartSec", seconds(known.ready_timeout)));
        }
        _ => lines.push(("Type", "exec".to_string())),
    }
    if let Some(user) = known.user.as_deref().or(export.user) {
        lines.push(("User", specifiers(user)));
    }
    lines.push(("WorkingDirectory", specifiers(&directory)));
    if let Some(umask) = known.umask {
        lines.push(("UMask", format!("{umask:04o}")));
    }
    for (name, vars) in [
        (format!("{}.env", export.app), export.config),
        (format!("{}-{}.env", export.app, known.name), known.environment.as_slice()),
    ] {
        if !vars.is_empty() {
            lines
                .push(("EnvironmentFile", specifiers(&export.config_directory.join(name).to_string_lossy())));
        }
    }
    lines.push(("ExecStart", command(known, Path::new(&directory))));
    lines.extend(restart(known));
    lines.push(("KillSignal", format!("SIG{}", known.stop.signal)));
    let mode = match known.stop.target {
        StopTarget::Group => "control-group",
        StopTarget::Leader => "mixed",
    };
    lines.push(("KillMode", mode.to_string()));
    lines.push(("TimeoutStopSec", seconds(known.stop.grace)));
    lines
}

fn restart(known: &ProcessType) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match &known.restart.policy {
        RestartPolicy::Never => return vec![("Restart", "no".to_string())],
        RestartPolicy::Always => lines.push(("Restart", "always".to_string())),
        RestartPolicy::Unexpected(codes) => {
            lines.push(("Restart", "always".to_string()));
            let codes: Vec<String> = codes.iter().map(i32::to_string).collect();
            if !codes.is_empty() {
                lines.push(("RestartPreventExitStatus", codes.join(" ")));
                lines.push(("SuccessExitStatus", codes.join(" ")));
            }
        }
    }
    let (first, longest) = (known.restart.first.max(Duration::from_millis(1)), known.restart.longest);
    lines.push(("RestartSec", seconds(first)));
    if longest > first {
        // The wait doubles with each step; systemd knows this from version 254 on.
        let steps = (longest.as_secs_f64() / first.as_secs_f64()).log2().ceil().max(1.0);
        lines.push(("RestartSteps", format!("{steps}")));
        lines.push(("RestartMaxDelaySec", seconds(longest)));
    }
    lines
}

/// `ExecStart`. A port, and a program without a path, go through `env`: variables of files win over those of units,
/// and systemd seeks programs in its own path, not in the app's.
fn command(known: &ProcessType, directory: &Path) -> String {
    let mut words = Vec::new();
    if known.port.is_some() {
        words.extend(["/usr/bin/env".to_string(), "PORT=%i".to_string()]);
    }
    match &known.command {
        CommandLine::Shell(line) => words.extend(["/bin/sh".into(), "-c".into(), word(line)]),
        CommandLine::Argv(argv) => {
            let (program, arguments) =
                argv.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            if program.contains('/') {
                words.push(word(&directory.join(program).to_string_lossy()));
            } else if program.contains('=') || program.is_empty() || program.starts_with('-') {
                words.extend([
                    "/bin/sh".into(),
                    "-c".into(),
                    word("exec \"$@\""),
                    "sh".into(),
                    word(program),
                ]);
            } else {
                if words.is_empty() {
                    words.push("/usr/bin/env".into());
                }
                words.push(word(program));
            }
            words.extend(arguments.iter().map(|argument| word(argument)));
        }
    }
    words.join(" ")
}

/// A word of a command line: in double quotes unless it is plain, with `$` and `%` doubled.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@+,-".contains(c);
    // These signs have a meaning before the name of a program.
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with(['-', '@', ':', '+']) {
        return text.to_string();
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '$' | '%' => quoted.extend([c, c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => quoted.push_str(&format!("\\x{:02x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value in which `%` would begin a specifier.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => time.as_secs().to_string(),
        millis => format!("{}.{millis:03}", time.as_secs()),
    }
}

/// A file of variables; none if there are none.
fn environment_file(name: &str, vars: &[(String, String)], problems: &mut Problems) -> Option<ExportedFile> {
    let mut text = String::from("# Config vars: readable by root only (mode 0600).\n");
    for (var, value) in vars {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if var.is_empty() || !var.chars().all(letter) || var.starts_with(|c: char| c.is_ascii_digit()) {
            let what = format!("systemd cannot set a variable called `{var}`: it is left out");
            let problem = Problem::warning("export.variable", what).on(name);
            problems.push(problem.hint("rename it: letters, digits and `_`, no digit first"));
            continue;
        }
        text.push_str(&format!("{var}={}\n", variable(value)));
    }
    (!vars.is_empty()).then(|| ExportedFile { name: name.to_string(), is_config: true, mode: PRIVATE, text })
}

/// A value of an environment file, in double quotes.
fn variable(value: &str) -> String {
    let mut quoted = String::from('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
