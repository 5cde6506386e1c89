//! `up`: an app from its folder to running, supervised, logged and reached.

use std::time::{Duration, Instant};

use keeper::core::{Outcome, Wanted};
use keeper::protocol::{Request, Status};
use logs::{Query, Timestamp};
use procfile::ProcessType;
use release::{Definition, Route};
use report::{Exit, Problem, Problems};
use router::TlsFiles;

use super::change::{end_keeper, follow};
use super::describe::{Described, set_readiness};
use super::lines::Lines;
use super::place::Place;
use super::terminal_log::{TerminalLog, access_log};
use super::{daemon, dry_run, listening, ps, release_command, settings};
use crate::arguments::Up;
use crate::output::Colour;
use crate::terminal::{Interrupts, Surroundings};

/// How long clients may finish with processes that are replaced, in seconds.
const DRAIN_SECONDS: u64 = 30;

/// Runs an app.
pub(crate) fn up(arguments: &Up, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let described = match Described::read(&arguments.folder, &arguments.description, &place, surroundings) {
        Ok(described) => described,
        Err(code) => return code,
    };
    let interrupts = Interrupts::watch();
    let definition = match definition(arguments, &described) {
        Ok(definition) => definition,
        Err(problem) => return place.fail(problem),
    };
    let tls = match listening::certificate(arguments, &place) {
        Ok(tls) => tls,
        Err(problem) => return place.fail(problem),
    };
    let mut wrong = Problems::new();
    wrong.extend(arguments.drain.iter().filter_map(|url| not_a_drain(url)));
    if wrong.has_errors() {
        return place.fail_all(&wrong);
    }
    let release_command = release_command(arguments, &described);
    let plan = Plan { definition, tls, release_command };
    if arguments.dry_run {
        return place.exit(dry_run::show(arguments, &plan, &place));
    }
    place.exit(run(arguments, plan, &place, &interrupts))
}

/// What is wrong with a drain's URL.
fn not_a_drain(url: &str) -> Option<Problem> {
    let wrong = url.parse::<drains::Target>().err()?;
    let name = url.split(':').next().unwrap_or_default();
    Some(Problem::from(wrong).on(format!("--drain {name}:…")))
}

/// What is to be.
pub(super) struct Plan {
    pub definition: Definition,
    /// What the router shows over TLS.
    pub tls: Option<TlsFiles>,
    /// What is run once before.
    pub release_command: Option<ProcessType>,
}

/// The Procfile's `release`, with its settings.
fn release_command(arguments: &Up, described: &Described) -> Option<ProcessType> {
    let entry = described.procfile.release().filter(|_| !arguments.skip_release_command)?;
    let mut command = entry.process_type();
    let one = std::slice::from_mut(&mut command);
    settings::apply(&described.settings, &described.config, &arguments.description, one);
    Some(command)
}

fn definition(arguments: &Up, described: &Described) -> Result<Definition, Problem> {
    let mut process_types = described.process_types.clone();
    set_readiness(&arguments.ready, &mut process_types)?;
    let web = process_types.iter().find(|one| one.name == "web");
    let route = web.map(|web| Route {
        process_type: web.name.clone(),
        hosts: arguments.host.clone(),
        path: arguments.path.clone(),
        drain_seconds: DRAIN_SECONDS,
    });
    let definition = Definition {
        app: arguments.common.app.clone().unwrap_or_else(|| described.name.clone()),
        directory: described.folder.clone(),
        revision: arguments.revision.clone(),
        process_types,
        config: described.variables(),
        route,
        drains: arguments.drain.clone(),
    };
    definition.check().map_err(|invalid| {
        Problem::error("app.invalid", invalid.to_string())
            .hint("--app gives the app another name; `pinch up --help` shows the rest")
    })?;
    Ok(definition)
}

fn run(arguments: &Up, plan: Plan, place: &Place, interrupts: &Interrupts) -> Result<u8, Problem> {
    let Plan { definition, tls, release_command } = plan;
    let app = definition.app.clone();
    let routed = definition.route.is_some();
    let started = daemon::ensure(place)?;
    let begin = Timestamp::now();
    let brought_up = (|| {
        if let Some(command) = &release_command {
            release_command::run(command, &definition, place, interrupts)?;
        }
        if routed {
            listening::listen(arguments, tls.as_ref(), place)?;
        }
        let formation = formation(arguments, &definition);
        let definition = Box::new(definition);
        follow(place, &app, &Request::Deploy { definition, formation, cause: "up".into() })?;
        place.status()
    })();
    let status = match brought_up {
        Ok(status) => status,
        Err(problem) => {
            // Nothing is left behind that was not there before, but an app that somebody may want to look at.
            let nothing = |status: Status| status.apps.iter().all(|one| keeper::is_own(&one.name));
            if started && (!arguments.detach || place.status().is_ok_and(nothing)) {
                end_keeper(place)?;
            }
            return Err(problem);
        }
    };
    announce(place, &app, &status);
    if arguments.detach {
        return Ok(Exit::Done.code());
    }
    let names = names(&app, &status);
    attend(place, &app, &names, begin, interrupts, started)
}

/// Counts that were asked for by hand outlive the next release; those of the description do not.
pub(super) fn formation(arguments: &Up, definition: &Definition) -> release::Formation {
    let mut formation = release::Formation::new();
    if arguments.description.formation.is_some() {
        definition.process_types.iter().for_each(|one| formation.set(&one.name, one.count));
    }
    formation
}

fn announce(place: &Place, app: &str, status: &Status) {
    let paint = place.talk.error;
    let urls = status.apps.iter().filter(|one| one.name == app).flat_map(|app| ps::urls(app, status));
    let urls: Vec<String> = urls.map(|url| paint.text(Colour::Cyan, url)).collect();
    if !urls.is_empty() {
        place.talk.line(&format!("{app} is at {}", urls.join(" and ")));
    }
    if let Some(admin) = &status.admin {
        place.talk.line(&format!("status page at {}", paint.text(Colour::Cyan, format!("http://{admin}/"))));
    }
}

/// The names of the app's processes.
fn names(app: &str, status: &Status) -> Vec<String> {
    let app = status.apps.iter().filter(|one| one.name == app);
    app.flat_map(|app| &app.processes).map(|process| process.process.clone()).collect()
}

/// Shows what the app says until it has ended or somebody ends it. The first interrupt stops the app, the second at once.
fn attend(
    place: &Place,
    app: &str,
    names: &[String],
    begin: Timestamp,
    interrupts: &Interrupts,
    started: bool,
) -> Result<u8, Problem> {
    let others = access_log(app, place);
    let query = Query { since: Some(begin), others, follow: true, ..Query::default() };
    let lines = Lines::new(place.talk.out, !place.talk.out_is_terminal, names.iter().map(String::as_str));
    let mut log = TerminalLog::open(&place.home.logs.join(app), query, place, lines)?;
    let mut stopping = 0;
    let mut stops = Vec::new();
    let mut looked = Instant::now();
    let code = loop {
        let listened = log.write_out()?;
        let asked = interrupts.count();
        if (asked > stopping || !listened) && stopping < 2 {
            stopping = asked.max(1);
            place.talk.line(if stopping == 1 {
                "stopping; again to stop at once"
            } else {
                "stopping at once"
            });
            // Whoever waits for the end must not hold up the second interrupt.
            let (socket, app) = (place.home.socket(), app.to_string());
            stops.push(std::thread::spawn(move || {
                let asked = keeper::client::ask(&socket, &Request::Stop { app, process: None });
                let end = |mut conversation: keeper::client::Conversation| {
                    while let Ok(Some(_)) = conversation.next() {}
                };
                asked.map(end)
            }));
        }
        if looked.elapsed() >= Duration::from_millis(if stopping > 0 { 50 } else { 500 }) {
            looked = Instant::now();
            if let Some(code) = ended(place, app)? {
                break code;
            }
        }
        log.wait();
    };
    log.write_out()?;
    let others = place.status().is_ok_and(|status| {
        status
            .apps
            .iter()
            .any(|one| one.name != app && !keeper::is_own(&one.name) && one.wanted == Wanted::Running)
    });
    if started && !others {
        end_keeper(place)?;
    }
    Ok(if stopping > 0 { Exit::Interrupted.code() } else { code })
}

/// The exit code, once no process of the app runs any more.
fn ended(place: &Place, app: &str) -> Result<Option<u8>, Problem> {
    let status = match place.status() {
        Ok(status) => status,
        Err(problem) if problem.code == "keeper.none" => {
            // It was killed; its processes go on, and a new one adopts them.
            place.talk.line("the keeper is gone; starting another");
            daemon::ensure(place)?;
            return Ok(None);
        }
        Err(problem) => return Err(problem),
    };
    let Some(app) = status.apps.iter().find(|one| one.name == app) else {
        return Ok(Some(Exit::Done.code()));
    };
    if app.wanted == Wanted::Running || !app.processes.is_empty() {
        return Ok(None);
    }
    Ok(Some(match app.outcome {
        Some(Outcome::Ended(code)) => u8::try_from(code).unwrap_or(Exit::Failed.code()),
        Some(Outcome::Failed) => Exit::Failed.code(),
        _ => Exit::Done.code(),
    }))
}
