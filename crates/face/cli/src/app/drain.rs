//! The drain as a process: sends on what the apps' logs hold, for every app whose release names a target.
//!
//! Which apps those are, the keeper says; without one it goes on with what it knows. Where it stands in each log is
//! saved, so that the next drain goes on there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use drains::{Drain, Drains, LogSource, Settings};
use keeper::Home;
use keeper::client::{ask, ask_once};
use keeper::protocol::{Answer, Request, Status};
use logs::Query;
use report::{Exit, Problem};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::place::Place;
use crate::arguments::{AppCommon, Internal};
use crate::terminal::Surroundings;

/// Between two looks for a keeper that went away.
const LOOK: Duration = Duration::from_millis(200);

/// Targets by app.
type Targets = BTreeMap<String, Vec<String>>;

/// Is the drain of the keeper whose sockets are in a folder.
pub(crate) fn drain(arguments: &Internal, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&AppCommon::default(), surroundings);
    place.exit(serve(arguments).map(|()| Exit::Done.code()))
}

/// What the keeper says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    targets: Targets,
    logs: PathBuf,
}

fn serve(arguments: &Internal) -> Result<(), Problem> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Problem::error("drain.start", format!("{what}: {error}")).exit(Exit::Failed)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("the drain cannot be started", &error))?;
    let (said, mut heard) = watch::channel(Said::default());
    let socket = arguments.keeper.join("keeper.sock");
    std::thread::spawn(move || hear(&socket, &said));
    let cursors = arguments.state.clone().unwrap_or_else(|| Home::of_machine().state).join("drains");
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed("SIGTERM", &error))?;
        loop {
            let now = heard.borrow_and_update().clone();
            let drains = drains_of(&now, cursors.clone());
            let logs = now.logs.clone();
            let open = move |drain: &Drain, cursor: Option<&logs::Cursor>| {
                // Named `APP.NUMBER`; an app's name has no dot.
                let app = drain.name.split('.').next().unwrap_or_default();
                LogSource::open(&logs.join(app), app, Query::default(), Arc::new(|_, _| None), cursor)
            };
            let mut ending = false;
            let changed = async {
                tokio::select! {
                    _ = heard.wait_for(|said| *said != now) => {}
                    _ = terminate.recv() => ending = true,
                }
            };
            match drains {
                Some(drains) => drains.run(open, changed).await,
                None => changed.await,
            }
            if ending {
                return Ok(());
            }
        }
    })
}

/// The drains of all apps; `None` when there are none, or their cursors cannot be read.
fn drains_of(said: &Said, cursors: PathBuf) -> Option<Drains> {
    let mut list = Vec::new();
    for (app, urls) in &said.targets {
        for (number, url) in urls.iter().enumerate() {
            match url.parse() {
                Ok(target) => list.push(Drain { name: format!("{app}.{number}"), target }),
                Err(error) => eprintln!("drain: {app}: {error}"),
            }
        }
    }
    if list.is_empty() {
        return None;
    }
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match Drains::new(list, Settings::new(cursors, hostname)) {
        Ok(drains) => Some(drains),
        Err(error) => {
            eprintln!("drain: {error}");
            None
        }
    }
}

/// Hears from the keeper, again and again, which apps send where.
fn hear(socket: &Path, said: &watch::Sender<Said>) {
    loop {
        if let Ok(mut conversation) = ask(socket, &Request::Watch) {
            while let Ok(Some(answer)) = conversation.next() {
                if let Answer::Status(status) = answer {
                    let now = Said { targets: targets(socket, &status), logs: status.logs.clone() };
                    said.send_if_modified(|before| {
                        let changed = *before != now;
                        *before = now;
                        changed
                    });
                }
            }
        }
        std::thread::sleep(LOOK);
    }
}

fn targets(socket: &Path, status: &Status) -> Targets {
    let mut targets = Targets::new();
    for app in status.apps.iter().filter(|app| !keeper::is_own(&app.name)) {
        let request = Request::Definition { app: app.name.clone() };
        if let Ok(Answer::Definition { definition, .. }) = ask_once(socket, &request)
            && !definition.drains.is_empty()
        {
            targets.insert(app.name.clone(), definition.drains.clone());
        }
    }
    targets
}
