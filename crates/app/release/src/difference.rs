//! What tells two definitions apart, in a person's words.

use std::collections::HashMap;
use std::time::Duration;

use procfile::{CommandLine, ProcessType, Readiness, RestartPolicy, StopTarget};

use crate::Definition;

/// One thing that differs. Values of config vars are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about: `revision`, `process type web`, `web: stop signal`, `config DATABASE_URL` …
    pub what: String,
    /// What it was; `None` when it was not there.
    pub before: Option<String>,
    /// What it is; `None` when it is gone.
    pub after: Option<String>,
}

/// What differs from one definition to the next, in a fixed order.
pub fn differences(before: Option<&Definition>, after: &Definition) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |what: String, was: Option<String>, is: Option<String>| {
        if was != is {
            found.push(Difference { what, before: was, after: is });
        }
    };
    note("revision".into(), before.and_then(|one| one.revision.clone()), after.revision.clone());
    note(
        "directory".into(),
        before.map(|one| one.directory.display().to_string()),
        Some(after.directory.display().to_string()),
    );
    let route = |one: &Definition| one.route.as_ref().map(ToString::to_string);
    note("route".into(), before.and_then(route), route(after));
    note(
        "drains".into(),
        before.map(|one| one.drains.len().to_string()),
        Some(after.drains.len().to_string()),
    );
    let old_types = before.map(|one| one.process_types.as_slice()).unwrap_or_default();
    for one in &after.process_types {
        let was = old_types.iter().find(|old| old.name == one.name);
        let text = |one: &ProcessType| command(&one.command);
        note(format!("process type {}", one.name), was.map(text), Some(text(one)));
        if let Some(was) = was
            && was.command == one.command
            && was != one
        {
            let changed = |((what, before), (_, after)): (Setting, Setting)| {
                (before != after).then(|| (format!("{}: {what}", one.name), before, after))
            };
            let mut told: Vec<_> = settings(was).into_iter().zip(settings(one)).filter_map(changed).collect();
            told.extend(variables(was, one));
            if told.is_empty() {
                let what = format!("settings of {}", one.name);
                told.push((what, Some("as they were".into()), Some("changed".into())));
            }
            for (what, before, after) in told {
                note(what, before, after);
            }
        }
    }
    for gone in old_types.iter().filter(|old| after.process_type(&old.name).is_none()) {
        note(format!("process type {}", gone.name), Some(command(&gone.command)), None);
    }
    let value = |of: Option<&Definition>, name: &str| {
        of.and_then(|one| one.config.get(name)).map(|value| (*value.reveal()).to_string())
    };
    let old_names = before.iter().flat_map(|one| one.config.names());
    let mut names: Vec<&str> = old_names.chain(after.config.names()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (was, is) = (value(before, name), value(Some(after), name));
        if was != is {
            // Only that it differs may be seen.
            let told = |there: Option<String>| there.map(|_| "set".to_string());
            let after = if is.is_some() && was.is_some() { Some("changed".into()) } else { told(is) };
            note(format!("config {name}"), told(was), after);
        }
    }
    found
}

/// What a setting is called, and what it is; `None` where nobody has said.
type Setting = (&'static str, Option<String>);

/// Variables of one process type that differ: only that they do may be seen.
fn variables(was: &ProcessType, is: &ProcessType) -> Vec<(String, Option<String>, Option<String>)> {
    let by_name = |of: &ProcessType| of.environment.iter().cloned().collect::<HashMap<_, _>>();
    let (old, new) = (by_name(was), by_name(is));
    let mut found = Vec::new();
    let gone = was.environment.iter().filter(|(name, _)| !new.contains_key(name));
    for (name, _) in is.environment.iter().chain(gone) {
        let (before, after) = (old.get(name), new.get(name));
        if before == after {
            continue;
        }
        let kept = if before.is_some() { "changed" } else { "set" };
        let what = format!("{}: config {name}", is.name);
        found.push((what, before.map(|_| "set".into()), after.map(|_| kept.into())));
    }
    found
}

/// Settings as a person would say them.
fn settings(one: &ProcessType) -> [Setting; 15] {
    let seconds = |time: Duration| Some(format!("{} s", time.as_secs_f64()));
    let list = |names: &mut dyn Iterator<Item = &String>| {
        let names: Vec<&str> = names.map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let ready = match &one.ready {
        Readiness::Uptime(time) => seconds(*time),
        Readiness::Port => Some("port".into()),
        Readiness::Http(path) => Some(path.clone()),
        Readiness::Notify => Some("notify".into()),
    };
    let policy = match &one.restart.policy {
        RestartPolicy::Always => "always".into(),
        RestartPolicy::Never => "never".into(),
        RestartPolicy::Unexpected(codes) if codes == &[0] => "on-failure".into(),
        RestartPolicy::Unexpected(codes) => format!("unless it exits with one of {codes:?}"),
    };
    let target = match one.stop.target {
        StopTarget::Leader => "leader",
        StopTarget::Group => "group",
    };
    [
        ("ready", ready),
        ("ready timeout", seconds(one.ready_timeout)),
        ("stop signal", Some(one.stop.signal.clone())),
        ("stop grace", seconds(one.stop.grace)),
        ("stop target", Some(target.into())),
        ("after", list(&mut one.after.iter())),
        ("essential", Some(one.essential.to_string())),
        ("restart policy", Some(policy)),
        (
            "restart wait",
            Some(format!("{} s to {} s", one.restart.first.as_secs_f64(), one.restart.longest.as_secs_f64())),
        ),
        ("restart tries", one.restart.tries.map(|tries| tries.to_string())),
        ("port", one.port.map(|port| port.to_string())),
        ("directory", one.directory.as_ref().map(|directory| directory.display().to_string())),
        ("user", one.user.clone()),
        ("umask", one.umask.map(|umask| format!("{umask:04o}"))),
        ("priority", Some(one.priority.to_string())),
    ]
}

fn command(command: &CommandLine) -> String {
    match command {
        CommandLine::Shell(line) => line.clone(),
        CommandLine::Argv(words) => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Variables;

    fn app(web: ProcessType) -> Definition {
        Definition {
            app: "shop".into(),
            directory: "/srv".into(),
            revision: None,
            process_types: vec![web],
            config: Variables::new(),
            route: None,
            drains: Vec::new(),
        }
    }

    #[test]
    fn each_setting_is_told() {
        let before = ProcessType::new("web", CommandLine::Shell("true".into()));
        let mut after = before.clone();
        after.ready = Readiness::Http("/up".into());
        after.stop.signal = "QUIT".into();
        after.umask = Some(0o27);
        after.after = vec!["db".into()];
        after.environment = vec![("TOKEN".into(), "hunter2".into()), ("MODE".into(), "fast".into())];
        let found = differences(Some(&app(before.clone())), &app(after.clone()));
        let told = |found: &[Difference]| {
            let side = |side: &Option<String>| side.clone().unwrap_or_default();
            let told =
                found.iter().map(|one| format!("{}: {} > {}", one.what, side(&one.before), side(&one.after)));
            told.collect::<Vec<_>>()
        };
        let expected = [
            "web: ready: port > /up",
            "web: stop signal: TERM > QUIT",
            "web: after:  > db",
            "web: umask:  > 0027",
            "web: config TOKEN:  > set",
            "web: config MODE:  > set",
        ];
        assert_eq!(told(&found), expected);
        let mut other = after.clone();
        other.environment[0].1 = "hunter3".into();
        other.environment.pop();
        let found = differences(Some(&app(after)), &app(other));
        assert_eq!(told(&found), ["web: config TOKEN: set > changed", "web: config MODE: set > "]);
        let mut more = before.clone();
        more.count = 2;
        let found = differences(Some(&app(before)), &app(more));
        assert_eq!(told(&found), ["settings of web: as they were > changed"]);
    }

    #[test]
    fn a_changed_secret_is_named_and_not_shown() {
        let of = |secret: &str| Definition {
            app: "shop".into(),
            directory: "/srv".into(),
            revision: None,
            process_types: Vec::new(),
            config: Variables::from_iter([("TOKEN", secret)]),
            route: None,
            drains: Vec::new(),
        };
        let found = differences(Some(&of("hunter2")), &of("hunter3"));
        let expected = Difference {
            what: "config TOKEN".into(),
            before: Some("set".into()),
            after: Some("changed".into()),
        };
        assert_eq!(found, [expected]);
    }
}
