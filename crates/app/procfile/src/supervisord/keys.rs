//! Which sections and keys there are.

use report::Problem;

use super::ini::Ini;
use crate::text::Findings;

/// Keys of `[program:x]`.
const PROGRAM: [&str; 37] = [
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "priority",
    "autostart",
    "autorestart",
    "startsecs",
    "startretries",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "umask",
    "directory",
    "environment",
    "redirect_stderr",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_syslog",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_syslog",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "serverurl",
    "stdout_logfile_mode",
    "stderr_logfile_mode",
    "stdin_logfile",
    "log_stdout",
    "log_stderr",
];

/// Keys of `[program:x]` that have no meaning here, and why.
const WITHOUT_MEANING: [(&str, &str); 4] = [
    ("stdout_capture_maxbytes", "there are no process communication events"),
    ("stderr_capture_maxbytes", "there are no process communication events"),
    ("stdout_events_enabled", "there are no event listeners"),
    ("stderr_events_enabled", "there are no event listeners"),
];

/// Keys of `[group:x]`.
const GROUP: [&str; 2] = ["programs", "priority"];

/// Keys of `[supervisord]`.
const SUPERVISORD: [&str; 18] = [
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "umask",
    "nodaemon",
    "silent",
    "minfds",
    "minprocs",
    "nocleanup",
    "childlogdir",
    "user",
    "directory",
    "strip_ansi",
    "environment",
    "identifier",
    "profile_options",
];

/// Sections that are about supervisord itself.
const PASSED_OVER: [&str; 4] = ["unix_http_server", "inet_http_server", "supervisorctl", "DEFAULT"];

/// How the names of other sections begin.
const PREFIXES: [&str; 6] =
    ["program:", "group:", "eventlistener:", "fcgi-program:", "rpcinterface:", "ctlplugin:"];

/// Says which sections and keys mean nothing.
pub(super) fn check(ini: &Ini, findings: &mut Findings<'_>) {
    for (name, section) in &ini.sections {
        let kind = name.split_inclusive(':').next().unwrap_or_default();
        let known: &[&str] = match (name.as_str(), kind) {
            ("supervisord", _) => &SUPERVISORD,
            ("include", _) => &["files"],
            (_, "program:") => &PROGRAM,
            (_, "group:") => &GROUP,
            (_, "eventlistener:" | "fcgi-program:") => {
                let what = format!("`[{name}]` is not run: such programs are not supported");
                let why = match kind {
                    "eventlistener:" => "there are no events to listen to",
                    _ => "there is no FastCGI socket to share",
                };
                let problem = Problem::warning("supervisord.not-supported", what).at(section.span).why(why);
                findings.push(problem.hint("run it as a `[program:x]` if it works without"));
                continue;
            }
            (_, "rpcinterface:" | "ctlplugin:") => continue,
            (name, _) if PASSED_OVER.contains(&name) => continue,
            _ => {
                findings.push(unknown_section(name, kind).at(section.span));
                continue;
            }
        };
        for (key, value) in &section.options {
            if findings.is_full() {
                return;
            }
            if !known.contains(&key.as_str()) {
                let problem =
                    Problem::warning("supervisord.unknown-key", format!("`{key}` is no key of `[{name}]`"));
                let problem = problem.at(value.key_span).did_you_mean(key, known.iter().copied());
                findings.push(problem.or_hint("supervisord ignores it without a word"));
            } else if let Some((_, why)) =
                WITHOUT_MEANING.iter().find(|(other, _)| kind == "program:" && other == key)
            {
                let problem = Problem::note("supervisord.no-meaning", format!("`{key}` has no meaning here"));
                findings.push(problem.at(value.key_span).why(*why));
            }
        }
    }
}

fn unknown_section(name: &str, kind: &str) -> Problem {
    let problem =
        Problem::warning("supervisord.unknown-section", format!("`[{name}]` is no section of supervisord"));
    let plain = ["supervisord", "include"].into_iter().chain(PASSED_OVER);
    let near = match report::suggest(kind, PREFIXES) {
        Some(prefix) if kind.ends_with(':') => Some(format!("{prefix}{}", &name[kind.len()..])),
        _ => report::suggest(name, plain).map(String::from),
    };
    match near {
        Some(near) => problem.hint(format!("did you mean `[{near}]`?")),
        None => problem.hint("programs stand in sections such as `[program:web]`"),
    }
}
