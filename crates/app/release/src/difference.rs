//! What tells two definitions apart, in a person's words.

use procfile::CommandLine;

use crate::Definition;

/// One thing that differs. Values of config vars are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about: `revision`, `web: command`, `config DATABASE_URL` …
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
        let text = |one: &procfile::ProcessType| command(&one.command);
        note(format!("process type {}", one.name), was.map(text), Some(text(one)));
        if let Some(was) = was
            && was.command == one.command
            && was != one
        {
            note(format!("settings of {}", one.name), Some("as they were".into()), Some("changed".into()));
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
