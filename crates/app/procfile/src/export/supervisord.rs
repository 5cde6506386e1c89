//! A `supervisord.conf`.
//!
//! Reading it again ([`Supervisord`](crate::Supervisord)) gives the same process types, as far as supervisord can express them. Values are
//! written so that supervisor 4.0 to 4.4 read the same wherever that can be; a note names the variables where it cannot.

use std::collections::BTreeMap;

use report::{Problem, Problems};

use super::{Export, ExportedFile, PRIVATE, check, directory, note_what_is_left_out};
use crate::supervisord::before_4_4;
use crate::{CommandLine, ProcessType, Readiness, RestartPolicy, StopTarget};

/// What stands for "for ever" among numbers of starts.
const FOR_EVER: u32 = 1_000_000;

/// The configuration of an app, ready for `supervisord -c`. `None` if there is an error among the problems.
pub fn supervisord(export: &Export<'_>, problems: &mut Problems) -> Option<Vec<ExportedFile>> {
    if !check(export, problems) {
        return None;
    }
    note_what_is_left_out(export, "supervisord", false, false, problems);
    // Supervisor before 4.4 cannot read a percent sign in the variables of [supervisord].
    let (own, all): (Vec<_>, Vec<_>) =
        export.config.iter().cloned().partition(|(_, value)| value.contains('%'));
    let mut text =
        String::from("; Holds config vars: readable by its owner only (mode 0600).\n[supervisord]\n");
    text.push_str(&environment(&all, problems));
    for known in export.types {
        text.push_str(&format!("\n[program:{}]\n", known.name));
        let mut vars: BTreeMap<String, String> = own.iter().cloned().collect();
        vars.extend(known.environment.iter().cloned());
        for (key, value) in program(export, known, problems) {
            text.push_str(&format!("{key}={value}\n"));
        }
        let vars: Vec<_> =
            vars.into_iter().filter(|(name, _)| known.port.is_none() || name != "PORT").collect();
        let mut line = environment(&vars, problems);
        if known.port.is_some() {
            let port = "PORT=\"%(process_num)d\"";
            line = match line.strip_suffix('\n') {
                Some(others) => format!("{others},{port}\n"),
                None => format!("environment={port}\n"),
            };
        }
        text.push_str(&line);
    }
    let names: Vec<&str> = export.types.iter().map(|known| known.name.as_str()).collect();
    text.push_str(&format!("\n[group:{}]\nprograms={}\n", export.app, names.join(",")));
    let name = "supervisord.conf".to_string();
    Some(vec![ExportedFile { name, is_config: true, mode: PRIVATE, text }])
}

fn program(export: &Export<'_>, known: &ProcessType, problems: &mut Problems) -> Vec<(&'static str, String)> {
    let mut lines =
        vec![("command", command(known, problems)), ("directory", value(&directory(export, known)))];
    if known.count != 1 {
        lines.push(("numprocs", known.count.to_string()));
        lines.push(("process_name", "%(program_name)s_%(process_num)d".to_string()));
    }
    if known.count != 1 || known.port.is_some() {
        lines.push(("numprocs_start", known.port.map_or(1, u32::from).to_string()));
    }
    if let Some(user) = known.user.as_deref().or(export.user) {
        lines.push(("user", value(user)));
    }
    if let Some(umask) = known.umask {
        lines.push(("umask", format!("{umask:03o}")));
    }
    lines.push(("priority", known.priority.to_string()));
    lines.push(("startsecs", startsecs(known).to_string()));
    let retries = known.restart.tries.map_or(FOR_EVER, |tries| tries.saturating_sub(1).min(FOR_EVER));
    lines.push(("startretries", retries.to_string()));
    match &known.restart.policy {
        RestartPolicy::Always => lines.push(("autorestart", "true".into())),
        RestartPolicy::Never => lines.push(("autorestart", "false".into())),
        RestartPolicy::Unexpected(codes) => {
            let codes: Vec<String> = codes.iter().map(i32::to_string).collect();
            lines.push(("autorestart", "unexpected".into()));
            lines.push(("exitcodes", codes.join(",")));
        }
    }
    let group = known.stop.target == StopTarget::Group;
    lines.push(("stopsignal", known.stop.signal.clone()));
    lines.push(("stopwaitsecs", rounded(known.stop.grace).to_string()));
    lines.push(("stopasgroup", group.to_string()));
    lines.push(("killasgroup", "true".to_string()));
    if let Some(logs) = export.log_directory {
        let number = if known.count == 1 { "" } else { "_%(process_num)d" };
        lines.push(("redirect_stderr", "true".to_string()));
        lines.push((
            "stdout_logfile",
            format!("{}/%(program_name)s{number}.log", value(&logs.to_string_lossy())),
        ));
    }
    lines
}

fn startsecs(known: &ProcessType) -> u64 {
    match known.ready {
        Readiness::Uptime(uptime) => rounded(uptime),
        _ => 1,
    }
}

/// Whole seconds, rounded up.
fn rounded(time: std::time::Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// A value that stands alone: a path, a name.
fn value(text: &str) -> String {
    text.replace('%', "%%")
}

fn command(known: &ProcessType, problems: &mut Problems) -> String {
    let words = match &known.command {
        CommandLine::Shell(line) => ["/bin/sh", "-c", line].map(String::from).to_vec(),
        CommandLine::Argv(words) => words.clone(),
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@+,-".contains(c);
            if word.contains(['\r', '\0']) {
                let what = format!(
                    "the command of `{}` holds a carriage return, which supervisord cannot be told",
                    known.name
                );
                problems.push(Problem::warning("export.command", what).hint("put the command into a script"));
            }
            if !word.is_empty() && word.chars().all(plain) { word.clone() } else { quoted(word) }
        })
        .collect();
    value(&words.join(" "))
}

/// The line `environment=…`; nothing without variables.
fn environment(vars: &[(String, String)], problems: &mut Problems) -> String {
    let mut pairs = Vec::new();
    for (name, text) in vars {
        if text.contains(['\r', '\0']) || name.is_empty() || !name.chars().all(is_name) {
            let what = format!("supervisord cannot be told the variable `{name}`: it is left out");
            problems.push(
                Problem::warning("export.variable", what)
                    .why("its name or its value has letters that have no place in the file"),
            );
            continue;
        }
        let pair = format!("{name}={}", quoted(text));
        let same = before_4_4(&pair).is_some_and(|vars| vars.get(name) == Some(text));
        if !same || pair.contains('\n') {
            let what = format!("supervisor before 4.4 reads another value of `{name}`");
            problems.push(Problem::note("export.versions", what).hint("use supervisor 4.4 or newer"));
        }
        pairs.push(value(&pair));
    }
    if pairs.is_empty() { String::new() } else { format!("environment={}\n", pairs.join(",")) }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

/// A text in the quotes that the most versions understand.
///
/// ` ;` and ` #` begin a comment even within quotes, lines of a value are trimmed, and there is no escape for a line
/// end: a quotation that is closed and opened again in between keeps all of them.
fn quoted(text: &str) -> String {
    let before_comment = |(one, next): (char, char)| one.is_whitespace() && matches!(next, ';' | '#');
    let plain = !text.contains('\n') && !text.chars().zip(text.chars().skip(1)).any(before_comment);
    if plain && !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    if plain && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut quoted = String::from('"');
    let mut before = 'x';
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\"\"\n  \"\""),
            ';' | '#' if before.is_whitespace() => quoted.extend(['"', '"', c]),
            _ => quoted.push(c),
        }
        before = c;
    }
    quoted.push('"');
    quoted
}
