//! Commands that change an app that is there.

use keeper::core::{Notice, State};
use keeper::protocol::{Answer, Request};
use logs::Timestamp;
use report::{Exit, Problem};

use super::failure::of_client;
use super::place::Place;
use super::ps::state_word;
use super::terminal_log::last_words;
use crate::arguments::{AppCommon, AppOnly, Rollback, Scale, Target};
use crate::output::Colour;
use crate::terminal::Surroundings;

/// Lines of a failed process that are shown.
const LAST_WORDS: usize = 20;

/// How long the end of a keeper is waited for.
const END: std::time::Duration = std::time::Duration::from_secs(70);

/// Starts processes anew.
pub(crate) fn restart(arguments: &Target, surroundings: &Surroundings) -> u8 {
    change(&arguments.common, surroundings, |app| Request::Restart {
        app,
        process: arguments.process.clone(),
    })
}

/// Goes back to an earlier release.
pub(crate) fn rollback(arguments: &Rollback, surroundings: &Surroundings) -> u8 {
    change(&arguments.common, surroundings, |app| Request::RollBack { app, release: arguments.release })
}

/// Stops an app or processes.
pub(crate) fn stop(arguments: &Target, surroundings: &Surroundings) -> u8 {
    change(&arguments.common, surroundings, |app| Request::Stop { app, process: arguments.process.clone() })
}

/// Changes how many processes of a type run.
pub(crate) fn scale(arguments: &Scale, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let mut problems = report::Problems::new();
    let text = arguments.counts.join(",");
    let Some(counts) = procfile::Formation::parse("scale", &text, &place.sources, &mut problems) else {
        return place.fail_all(&problems);
    };
    let scaled = || {
        let app = place.app()?;
        let mut formation = release::Formation::new();
        let types = app.processes.iter().map(|process| process.slot.process_type.as_str());
        for name in types.filter(|_| counts.all().is_some()) {
            formation.set(name, counts.all().unwrap_or(0));
        }
        counts.types().for_each(|(name, count)| formation.set(name, count));
        place.order(&Request::Scale { app: app.name, counts: formation })?;
        Ok(Exit::Done.code())
    };
    place.exit(scaled())
}

/// Stops an app and forgets it; the keeper ends with the last one.
pub(crate) fn down(arguments: &AppOnly, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let gone = || {
        let app = place.app()?.name;
        place.order(&Request::Stop { app: app.clone(), process: None })?;
        place.order(&Request::Remove { app: app.clone() })?;
        place
            .talk
            .line(&format!("{app} is stopped and forgotten; its logs stay in {}", place.home.logs.display()));
        if place.status()?.apps.iter().all(|app| keeper::is_own(&app.name)) {
            end_keeper(&place)?;
        }
        Ok(Exit::Done.code())
    };
    place.exit(gone())
}

/// Lets keeper and router become the program in their place.
pub(crate) fn upgrade(arguments: &AppOnly, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let upgraded = || {
        let before = place.status()?;
        place.order(&Request::Upgrade)?;
        let begin = std::time::Instant::now();
        let after = loop {
            match place.status() {
                Ok(status) if status.upgrades > before.upgrades => break status,
                Err(problem) if begin.elapsed() > std::time::Duration::from_secs(20) => return Err(problem),
                Ok(_) if begin.elapsed() > std::time::Duration::from_secs(20) => {
                    let what = "the keeper goes on as the program it was";
                    return Err(Problem::error("keeper.upgrade", what).exit(Exit::Failed));
                }
                _ => std::thread::sleep(std::time::Duration::from_millis(10)),
            }
        };
        if !after.http.is_empty() {
            place.order(&Request::Restart { app: keeper::OWN_APP.into(), process: None })?;
        }
        let (from, to) = (before.version, after.version);
        place.talk.line(&format!("keeper {from} is now {to}; no process was touched"));
        Ok(Exit::Done.code())
    };
    place.exit(upgraded())
}

/// Ends a keeper that has no app any more.
pub(super) fn end_keeper(place: &Place) -> Result<(), Problem> {
    match place.order(&Request::Shutdown) {
        Ok(_) => {}
        // It may be gone before it has said so.
        Err(problem) if problem.code == "keeper.gone" => {}
        Err(problem) => return Err(problem),
    }
    // The router first lets its connections end.
    let begin = std::time::Instant::now();
    while place.status().is_ok() && begin.elapsed() < END {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Ok(())
}

fn change(common: &AppCommon, surroundings: &Surroundings, request: impl FnOnce(String) -> Request) -> u8 {
    let place = Place::new(common, surroundings);
    let changed = place.app().and_then(|app| follow(&place, &app.name, &request(app.name.clone())));
    place.exit(changed.map(|()| Exit::Done.code()))
}

/// Gives an order and tells what comes of it, on standard error. A release that did not take over is a problem, with
/// the last lines of the process that failed.
pub(super) fn follow(place: &Place, app: &str, request: &Request) -> Result<(), Problem> {
    let begin = Timestamp::now();
    let mut conversation = place.ask(request)?;
    while let Some(answer) = conversation.next().map_err(of_client)? {
        let Answer::Notice { notice } = answer else { continue };
        match notice {
            Notice::Process { slot, state, last, trouble } => {
                let ended = last.filter(|_| matches!(state, State::Backoff(_) | State::Failed(_)));
                let why = trouble.or(ended.map(|ending| ending.to_string()));
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let line = format!("{:<12} {}{why}", slot.process(), state_word(&state));
                place.talk.line(&place.talk.error.text(Colour::Dim, line));
            }
            Notice::RolloutDone { release } => {
                place.talk.line(&place.talk.error.text(Colour::Green, format!("release {release} is up")));
            }
            Notice::RolloutFailed { release, process, why, stays } => {
                return Err(failed(place, app, begin, &Failed { release, process, why, stays }));
            }
            Notice::EssentialEnded { process, code } => {
                return Err(Problem::error(
                    "app.ended",
                    format!("{process} ended with {code}, and the app with it"),
                )
                .exit(Exit::Failed));
            }
            Notice::Stopped => place.talk.line(&format!("{app} has stopped")),
            Notice::RolloutStarted { .. } => {}
        }
    }
    Ok(())
}

struct Failed {
    release: u64,
    process: String,
    why: String,
    stays: Option<u64>,
}

fn failed(place: &Place, app: &str, begin: Timestamp, failed: &Failed) -> Problem {
    let Failed { release, process, why, stays } = failed;
    let what = format!("release {release} of {app} did not come up: {process} {why}");
    let mut problem = Problem::error("app.failed", what).on(format!("{app}/{process}")).exit(Exit::Failed);
    let folder = place.home.logs.join(app);
    let words = last_words(&folder, process, LAST_WORDS, begin);
    if words.is_empty() {
        problem = problem.why(format!("{process} said nothing"));
    }
    let port_is_taken = words.iter().chain([why]).any(|line| {
        ["Address already in use", "EADDRINUSE", "is in use by another program"]
            .iter()
            .any(|text| line.contains(text))
    });
    for line in words {
        problem = problem.why(crate::output::harmless(&line));
    }
    if let Some(stays) = stays {
        problem = problem.hint(format!("release {stays} goes on as before"));
    }
    let hint = if port_is_taken {
        "another program holds a port that it wants (`ss -ltnp` tells which); the one in the variable PORT is free"
    } else if why.contains("not ready") {
        "a web process has to listen on the port in the variable PORT; --ready says what else counts"
    } else if why.contains("127") {
        "127 is the shell's word for a command that is not there"
    } else {
        "`pinch logs` shows all it said"
    };
    problem.hint(hint)
}
