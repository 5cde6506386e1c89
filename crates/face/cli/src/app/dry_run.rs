//! `up --dry-run`: what a start would change, and whether without a gap.

use keeper::core::Wanted;
use keeper::protocol::{Answer, Request, Status};
use procfile::CommandLine;
use release::{Definition, Difference, Formation, differences};
use report::{Exit, Problem};

use super::failure::of_client;
use super::listening;
use super::place::Place;
use super::up::{Plan, formation};
use crate::arguments::Up;

/// Says it.
pub(super) fn show(arguments: &Up, plan: &Plan, place: &Place) -> Result<u8, Problem> {
    let Plan { definition, tls, release_command } = plan;
    let (running, before) = current(definition, place)?;
    let before = before.as_ref();
    let mut changes = differences(before.map(|(_, definition)| definition), definition);
    if before.is_some() {
        let status = place.status()?;
        changes.extend(counts(definition, &formation(arguments, definition), &status));
        if definition.route.is_some() {
            changes.extend(listening::differences(arguments, tls.as_ref(), &status));
        }
    }
    let gap = gap(definition, running);
    let release = before.map(|(number, _)| *number);
    let command = release_command.as_ref().map(|one| match &one.command {
        CommandLine::Shell(line) => line.clone(),
        CommandLine::Argv(words) => words.join(" "),
    });
    if place.json {
        let changes: Vec<_> = changes
            .iter()
            .map(|one| serde_json::json!({"what": one.what, "before": one.before, "after": one.after}))
            .collect();
        place.print_json(&serde_json::json!({
            "app": definition.app,
            "running": running,
            "release": release,
            "changes": changes,
            "release_command": command,
            "gap": gap,
        }));
        return Ok(Exit::Done.code());
    }
    let mut text = match release {
        Some(number) if running => {
            format!("{} runs release {number}; a new one would take over\n", definition.app)
        }
        Some(number) => format!("{} is stopped at release {number}; a new one would start\n", definition.app),
        None => format!("{} would be started\n", definition.app),
    };
    for one in changes.iter().filter(|_| release.is_some()) {
        let told = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
        text += &format!("  {}: {} -> {}\n", one.what, told(&one.before), told(&one.after));
    }
    if let Some(command) = command {
        text += &format!("before that, once: {command}\n");
    }
    match gap {
        Some(why) => text += &format!("with a gap: {why}\n"),
        None if running => text += "without a gap\n",
        None => {}
    }
    place.talk.data(&text);
    Ok(Exit::Done.code())
}

/// Whether the app runs, and its newest release.
fn current(definition: &Definition, place: &Place) -> Result<(bool, Option<(u64, Definition)>), Problem> {
    let app = definition.app.clone();
    match keeper::client::ask_once(&place.home.socket(), &Request::Definition { app: app.clone() }) {
        Ok(Answer::Definition { release, definition }) => {
            let status = place.status()?;
            let running = status.apps.iter().any(|one| one.name == app && one.wanted == Wanted::Running);
            Ok((running, Some((release, *definition))))
        }
        Err(keeper::client::ClientError::NoKeeper(_) | keeper::client::ClientError::Refused { .. })
        | Ok(_) => Ok((false, None)),
        Err(error) => Err(of_client(error)),
    }
}

/// Process types that run more or less often than is asked for.
fn counts(definition: &Definition, formation: &Formation, status: &Status) -> Vec<Difference> {
    let Some(app) = status.apps.iter().find(|app| app.name == definition.app) else { return Vec::new() };
    let of = |(name, wanted): (&str, u32)| {
        let runs = app.processes.iter().filter(|one| !one.leaving && one.slot.process_type == name).count();
        (runs != wanted as usize).then(|| Difference {
            what: format!("processes of {name}"),
            before: Some(runs.to_string()),
            after: Some(wanted.to_string()),
        })
    };
    formation.iter().filter_map(of).collect()
}

/// Why clients would notice; `None` when they would not.
fn gap(definition: &Definition, running: bool) -> Option<String> {
    let route = definition.route.as_ref().filter(|_| running)?;
    let process_type = definition.process_type(&route.process_type)?;
    process_type.port.map(|port| {
        format!("{} has the fixed port {port}, which two releases cannot share", route.process_type)
    })
}
