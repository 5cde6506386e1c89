//! The drain as a process: sends on what the apps' logs hold, for every app whose release names a target.
//!
//! Which apps those are, the keeper says; without one it goes on with what it knows. Where it stands in each log is
//! saved, so that the next drain goes on there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drains::{Drain, Drains, LogSource, Settings, Target};
use keeper::Home;
use keeper::client::{ask, ask_once};
use keeper::protocol::{Answer, Request, Status};
use logs::{Query, Timestamp};
use report::{Exit, Problem};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::place::Place;
use super::running_releases::RunningReleases;
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
    let releases = Arc::new(Mutex::new(RunningReleases::default()));
    let known = Arc::clone(&releases);
    std::thread::spawn(move || hear(&socket, &said, &known));
    let cursors = cursors(&arguments.state.clone().unwrap_or_else(|| Home::of_machine().state));
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed("SIGTERM", &error))?;
        loop {
            let now = heard.borrow_and_update().clone();
            let drains = drains_of(&now, cursors.clone());
            let (logs, known) = (now.logs.clone(), Arc::clone(&releases));
            let open = move |drain: &Drain, cursor: Option<&logs::Cursor>| {
                // Named `APP.IDENTITY`; an app's name has no dot.
                let app = drain.name.split('.').next().unwrap_or_default().to_string();
                let (folder, name, known) = (logs.join(&app), app.clone(), Arc::clone(&known));
                let release = move |process: &str, time| known.lock().ok()?.at(&name, process, time);
                LogSource::open(&folder, &app, Query::default(), Arc::new(release), cursor)
            };
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let asked = async { stopped.await.unwrap_or_default() };
            let running = async {
                match drains {
                    Some(drains) => drains.run(open, asked).await,
                    None => asked.await,
                }
            };
            let mut running = std::pin::pin!(running);
            // Dropped, it asks them to end.
            let mut stop = Some(stop);
            let mut ending = false;
            loop {
                tokio::select! {
                    () = &mut running => break,
                    _ = heard.wait_for(|said| *said != now), if stop.is_some() => stop = None,
                    _ = terminate.recv() => (ending, stop) = (true, None),
                }
            }
            if ending {
                return Ok(());
            }
        }
    });
    // Something may hang for ever on a disk or a name server; it is left to the end of the process.
    runtime.shutdown_background();
    outcome
}

/// Where drains keep what they know, in a keeper's folder for what lasts.
pub(super) fn cursors(state: &Path) -> PathBuf {
    state.join("drains")
}

/// The drains of an app, each with the URL it was named by. Of two that send to the same place the first one counts; what
/// is no URL is told.
pub(super) fn drains_of_app(app: &str, urls: &[String], tell: impl Fn(&str)) -> Vec<Drain> {
    let mut list: Vec<Drain> = Vec::new();
    for url in urls {
        match url.parse::<Target>() {
            Ok(target) => {
                let name = format!("{app}.{}", target.identity());
                if list.iter().any(|other| other.name == name) {
                    tell(&format!("{app}: {target} is named twice"));
                } else {
                    list.push(Drain { name, target });
                }
            }
            Err(error) => tell(&format!("{app}: {error}")),
        }
    }
    list
}

/// The drains of all apps; `None` when there are none, or their cursors cannot be read.
fn drains_of(said: &Said, cursors: PathBuf) -> Option<Drains> {
    let of_app =
        |(app, urls): (&String, &Vec<String>)| drains_of_app(app, urls, |what| eprintln!("drain: {what}"));
    let list: Vec<Drain> = said.targets.iter().flat_map(of_app).collect();
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

/// Hears from the keeper, again and again, which apps send where and which releases run.
fn hear(socket: &Path, said: &watch::Sender<Said>, releases: &Mutex<RunningReleases>) {
    let mut met = BTreeSet::new();
    loop {
        if let Ok(mut conversation) = ask(socket, &Request::Watch) {
            while let Ok(Some(answer)) = conversation.next() {
                if let Answer::Status(status) = answer {
                    let new = status.apps.iter().map(|app| &app.name).filter(|name| !met.contains(*name));
                    let begun: BTreeMap<&str, u64> =
                        new.filter_map(|name| Some((name.as_str(), begun(socket, name)?))).collect();
                    if let Ok(mut releases) = releases.lock() {
                        releases.hear(&status, Timestamp::now(), |app| begun.get(app).copied());
                    }
                    met = status.apps.iter().map(|app| app.name.clone()).collect();
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

/// When an app's only release was made; `None` when it has had others.
fn begun(socket: &Path, app: &str) -> Option<u64> {
    match ask_once(socket, &Request::Releases { app: app.into() }).ok()? {
        Answer::Releases { releases, .. } if releases.len() == 1 && releases[0].number == 1 => {
            Some(releases[0].created)
        }
        _ => None,
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
