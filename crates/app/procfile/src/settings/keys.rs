//! The settings of a process type: each key, as what it means.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use report::Problem;
use value::{Data, Secret};

use super::reader::{Field, Reader, cut};
use super::{RestartSettings, StopSettings, TypeSettings, TypeVar};
use crate::process_type::seconds;
use crate::signal::signal;
use crate::{Readiness, RestartPolicy, Stop, StopTarget};

/// All keys there are, in the order in which they are told.
pub(super) const ALL: [&str; 12] = [
    "ready",
    "ready_timeout",
    "stop",
    "after",
    "essential",
    "restart",
    "port",
    "directory",
    "environment",
    "user",
    "umask",
    "priority",
];

const SECONDS: &str = "give seconds, 0 or more, such as 30 or 0.5";

/// Reads one of them.
pub(super) fn read(reader: &mut Reader<'_>, field: &Field<'_>, settings: &mut TypeSettings) {
    match field.key {
        "ready" => settings.ready = readiness(reader, field),
        "ready_timeout" => settings.ready_timeout = time(reader, field),
        "stop" => settings.stop = stop(reader, field),
        "after" => settings.after = after(reader, field),
        "essential" => settings.essential = boolean(reader, field),
        "restart" => settings.restart = restart(reader, field),
        "port" => {
            let port = number(reader, field, 1..=i64::from(u16::MAX));
            settings.port = port.and_then(|port| u16::try_from(port).ok()).map(|port| (port, field.span()));
        }
        "directory" => settings.directory = line(reader, field, DIRECTORY).map(PathBuf::from),
        "environment" => settings.environment = environment(reader, field),
        "user" => settings.user = line(reader, field, "give the name of a user, such as `www-data`"),
        "umask" => settings.umask = umask(reader, field),
        "priority" => {
            let priority = number(reader, field, i64::from(i32::MIN)..=i64::from(i32::MAX));
            settings.priority = priority.and_then(|priority| i32::try_from(priority).ok());
        }
        _ => {}
    }
}

const DIRECTORY: &str = "give a folder; a relative one lies below the app's";

/// Says what does not go together.
pub(super) fn check(reader: &mut Reader<'_>, of: &Field<'_>, settings: &TypeSettings) {
    let place = |key: &str| of.value.as_map().map_or(of.key_span, |map| map.key_span(key));
    if let (Some(Readiness::Uptime(uptime)), Some(timeout)) = (&settings.ready, settings.ready_timeout)
        && timeout <= *uptime
    {
        let what = format!("`{}` has failed before it can be ready", of.key);
        let why = format!(
            "it is ready after {} s and has {} s to be so",
            uptime.as_secs_f64(),
            timeout.as_secs_f64()
        );
        let problem = Problem::error("settings.ready-timeout", what).at(place("ready_timeout"));
        reader
            .findings
            .push(problem.related(place("ready"), "when it is ready").why(why).hint("give it more time"));
    }
    if let RestartSettings { first: Some(first), longest: Some(longest), .. } = settings.restart
        && first > longest
    {
        let what = "the first wait is longer than the longest one";
        let problem = Problem::error("settings.restart", what).at(place("restart"));
        reader.findings.push(problem.hint("`longest` has to be `first` or more"));
    }
}

fn readiness(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<Readiness> {
    let found = match &field.value.data {
        Data::Int(_) | Data::Float(_) => seconds_of(field).map(Readiness::Uptime),
        Data::Str(word) => Readiness::from_word(word),
        _ => None,
    };
    if found.is_none() {
        let word = field.value.as_str().unwrap_or_default();
        let problem = reader.wrong(field).did_you_mean(word, ["port", "notify"]);
        let hint = "write `port`, `notify`, a path such as /healthz, or seconds";
        reader.findings.push(problem.or_hint(hint));
    }
    found
}

fn time(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<Duration> {
    let found = seconds_of(field);
    if found.is_none() {
        reader.mistake(field, SECONDS);
    }
    found
}

/// `30`, `0.5`, and `30s`.
fn seconds_of(field: &Field<'_>) -> Option<Duration> {
    match &field.value.data {
        Data::Int(_) | Data::Float(_) | Data::Str(_) => seconds(&field.value.to_string()),
        _ => None,
    }
}

fn number(reader: &mut Reader<'_>, field: &Field<'_>, within: RangeInclusive<i64>) -> Option<i64> {
    let found = match field.value.data {
        Data::Int(number) => Some(number).filter(|number| within.contains(number)),
        _ => None,
    };
    if found.is_none() {
        reader.mistake(field, format!("give a whole number from {} to {}", within.start(), within.end()));
    }
    found
}

fn boolean(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<bool> {
    let Data::Bool(found) = field.value.data else {
        reader.mistake(field, "write `true` or `false`");
        return None;
    };
    Some(found)
}

/// A text of one line that is not empty.
fn line(reader: &mut Reader<'_>, field: &Field<'_>, hint: &str) -> Option<String> {
    let found = field.value.as_str().filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
    if found.is_none() {
        reader.mistake(field, hint);
    }
    found.map(String::from)
}

/// Octal digits, as a text or as YAML's idea of a number.
fn umask(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<u32> {
    let text = match field.value.data {
        Data::Int(_) | Data::Str(_) => reader.written(field.value),
        _ => String::new(),
    };
    let digits = text.strip_prefix("0o").unwrap_or(&text);
    let octal = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let found = u32::from_str_radix(digits, 8).ok().filter(|mask| octal && *mask <= 0o777);
    if found.is_none() {
        reader.mistake(field, "give octal digits up to 777, such as \"0027\"");
    }
    found
}

fn after(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<IndexMap<String, value::Span>> {
    const HINT: &str = "name process types: `after: [worker]`";
    let items = match &field.value.data {
        Data::List(items) => items.as_slice(),
        _ => std::slice::from_ref(field.value),
    };
    let mut names = IndexMap::new();
    for item in items {
        let Some(name) = item.as_str() else {
            let one = Field { value: item, ..*field };
            reader.mistake(&one, HINT);
            return None;
        };
        names.entry(name.to_string()).or_insert(item.span);
    }
    Some(names)
}

fn stop(reader: &mut Reader<'_>, field: &Field<'_>) -> StopSettings {
    let mut stop = StopSettings::default();
    match &field.value.data {
        Data::Map(_) => {
            for field in reader.known(field.value, &["signal", "grace", "target"], "`stop`") {
                match field.key {
                    "signal" => stop.signal = stop_signal(reader, &field),
                    "grace" => stop.grace = time(reader, &field),
                    _ => {
                        let words = [("leader", StopTarget::Leader), ("group", StopTarget::Group)];
                        stop.target = one_of(reader, &field, &words);
                    }
                }
            }
        }
        _ => stop.signal = stop_signal(reader, field),
    }
    stop
}

/// A signal by name or number, one that a process can be asked to stop with.
fn stop_signal(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<String> {
    let text = match field.value.data {
        Data::Int(_) | Data::Str(_) => field.value.to_string(),
        _ => String::new(),
    };
    let found = signal(&text).filter(|name| Stop::SIGNALS.contains(name));
    if found.is_none() {
        let upper = text.to_ascii_uppercase();
        let word = upper.strip_prefix("SIG").unwrap_or(&upper);
        let problem = reader.wrong(field).did_you_mean(word, Stop::SIGNALS.iter().copied());
        let hint = format!("the signals to stop with are {}", Stop::SIGNALS.join(", "));
        reader.findings.push(problem.or_hint(hint));
    }
    found.map(String::from)
}

fn restart(reader: &mut Reader<'_>, field: &Field<'_>) -> RestartSettings {
    let mut restart = RestartSettings::default();
    match &field.value.data {
        Data::Map(_) => {
            for field in reader.known(field.value, &["policy", "first", "longest", "tries"], "`restart`") {
                match field.key {
                    "policy" => restart.policy = policy(reader, &field),
                    "first" => restart.first = time(reader, &field),
                    "longest" => restart.longest = time(reader, &field),
                    _ => {
                        let tries = number(reader, &field, 1..=i64::from(u32::MAX));
                        restart.tries = tries.and_then(|tries| u32::try_from(tries).ok());
                    }
                }
            }
        }
        _ => restart.policy = policy(reader, field),
    }
    restart
}

fn policy(reader: &mut Reader<'_>, field: &Field<'_>) -> Option<RestartPolicy> {
    if let Data::Bool(whether) = field.value.data {
        let word = if whether { "always" } else { "never" };
        let problem = reader.wrong(field).why("YAML reads the words yes, no, on and off as booleans");
        reader.findings.push(problem.hint(format!("write `{word}`")));
        return None;
    }
    let words = [
        ("always", RestartPolicy::Always),
        ("on-failure", RestartPolicy::Unexpected(vec![0])),
        ("never", RestartPolicy::Never),
    ];
    one_of(reader, field, &words)
}

fn one_of<T: Clone>(reader: &mut Reader<'_>, field: &Field<'_>, words: &[(&str, T)]) -> Option<T> {
    let word = field.value.as_str().unwrap_or_default();
    if let Some((_, found)) = words.iter().find(|(known, _)| *known == word) {
        return Some(found.clone());
    }
    let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
    let problem = reader.wrong(field).did_you_mean(word, known.iter().copied());
    reader.findings.push(problem.or_hint(format!("write {}", known.join(", "))));
    None
}

fn environment(reader: &mut Reader<'_>, field: &Field<'_>) -> Vec<TypeVar> {
    let mut vars = Vec::new();
    let Some(map) = reader.map(field, "write `NAME: value` below it, one variable a line") else {
        return vars;
    };
    for (key, entry) in map.entries() {
        if reader.findings.is_full() {
            break;
        }
        let name = reader.key(key, entry.key_span);
        if let Some(problem) = not_a_name(&name) {
            reader.findings.push(problem.at(entry.key_span));
            continue;
        }
        let one = Field { key: &name, key_span: entry.key_span, value: &entry.value };
        let text = match &entry.value.data {
            Data::Str(_) | Data::Int(_) | Data::Big(_) | Data::Float(_) => reader.written(&entry.value),
            Data::Bool(_) => {
                let hint = format!("quote it: `{name}: \"{}\"`", reader.written(&entry.value));
                let problem = reader.wrong(&one).why("a variable is text, and YAML reads this as a boolean");
                reader.findings.push(problem.hint(hint));
                continue;
            }
            Data::Null => {
                reader.mistake(&one, format!("an empty variable is `{name}: \"\"`"));
                continue;
            }
            _ => {
                reader.mistake(&one, "a variable is text: quote the value");
                continue;
            }
        };
        if text.contains('\0') {
            reader.mistake(&one, "no variable can hold a NUL byte");
            continue;
        }
        vars.push(TypeVar { name, value: Secret::new(text), span: entry.key_span });
    }
    vars
}

/// Variables that say which process it is.
const RESERVED: [&str; 7] =
    ["PS", "PINCH_APP", "PINCH_PROCESS", "PINCH_RELEASE", "PINCH_KEEPER", "PINCH_SLOT", "PINCH_START"];

/// Why a variable of a process type cannot be called so.
fn not_a_name(name: &str) -> Option<Problem> {
    let error = |what: String| Problem::error("settings.variable", what);
    if name.is_empty() || name.contains(['=', '\0']) {
        let problem = error(format!("`{}` cannot be a variable", cut(name)));
        return Some(problem.hint("a name has a letter or more and no `=`"));
    }
    if name == "PORT" {
        let problem = error("`PORT` is set for each process".into());
        return Some(problem.hint("write `port: NUMBER` among the settings for a port of your own"));
    }
    if RESERVED.contains(&name) {
        let problem = error(format!("`{name}` is set for each process"));
        return Some(problem.hint("give the variable another name"));
    }
    None
}
