//! Commands, carried out.

use std::io::ErrorKind;
use std::time::Duration;

use procfile::{CommandLine, ProcessType, Readiness, StopTarget};
use release::{Definition, Formation};
use tokio::io::unix::AsyncFd;

use super::events::{Caller, Event};
use super::listeners::Addresses;
use super::own::own_definition;
use super::{OWN_APP, Shell, is_own, now, processes};
use crate::core::{Deed, Refused};
use crate::protocol::{Answer, OneOff, Request};

/// How long a router may go on with the requests it has when another takes its place.
const ROUTER_GRACE: Duration = Duration::from_mins(1);

impl Shell {
    pub(super) fn request(&mut self, request: Request, caller: Caller) {
        let answer = match request {
            Request::Upgrade => self.prepare_upgrade(),
            Request::OneOff { app, command } => self.one_off(&app, command, caller.pid),
            other => self.answer(other),
        };
        // A client that has gone does not want it any more.
        let _ = caller.answer.try_send(answer);
    }

    fn answer(&mut self, request: Request) -> Answer {
        let before = self.core.clone();
        // A stop is carried out even when it cannot be written down: on a full disk it may be what helps.
        let stops = matches!(request, Request::Stop { .. });
        let changed = match request {
            Request::Status => return Answer::Status(Box::new(self.report())),
            Request::Definition { app } => return self.definition(&app),
            Request::Releases { app } => return self.releases(&app),
            Request::Listen { http, tls, admin } => return self.listen(&Addresses { http, tls, admin }),
            Request::Shutdown => {
                self.end();
                return Answer::Taken { release: None };
            }
            Request::Deploy { definition, formation, cause } => self.deploy(*definition, &formation, &cause),
            Request::RollBack { app, release } => self.core.roll_back(&app, release, now()).map(numbered),
            Request::Start { app } => self.start_app(&app),
            Request::Restart { app, process } => self.restart(&app, process.as_deref()),
            Request::Stop { app, process } => self.core.stop(&app, process.as_deref(), now()).map(unnumbered),
            Request::Scale { app, counts } => self.core.scale(&app, &counts, now()).map(unnumbered),
            Request::Remove { app } => self.core.remove(&app).map(|()| (None, Vec::new())),
            Request::Watch | Request::Route | Request::Upgrade | Request::OneOff { .. } => {
                return Answer::Refused { why: "that is not asked this way".into(), hint: None };
            }
        };
        match changed {
            Ok((release, deeds)) => {
                self.unsaved.durable();
                // Written down before anything is started: whoever hears "taken" can rely on it.
                if let Err(why) = self.save()
                    && !stops
                {
                    self.core = before;
                    let hint = "nothing was changed; make room or mend the folder, then say it again";
                    return Answer::Refused { why, hint: Some(hint.into()) };
                }
                self.carry_out(deeds);
                Answer::Taken { release }
            }
            Err(refused) => {
                let hint = hint(&refused);
                Answer::Refused { why: refused.to_string(), hint }
            }
        }
    }

    fn deploy(
        &mut self,
        definition: Definition,
        formation: &Formation,
        cause: &str,
    ) -> Result<(Option<u64>, Vec<Deed>), Refused> {
        if is_own(&definition.app) {
            return Err(Refused::Reserved(definition.app));
        }
        self.core.deploy(definition, formation, cause, now()).map(numbered)
    }

    fn start_app(&mut self, app: &str) -> Result<(Option<u64>, Vec<Deed>), Refused> {
        let deeds = self.core.start(app, now())?;
        let rolling = self.core.app(app).and_then(|app| app.rollout()).map(|rollout| rollout.to.release);
        Ok((rolling.filter(|_| !deeds.is_empty()), deeds))
    }

    fn restart(&mut self, app: &str, process: Option<&str>) -> Result<(Option<u64>, Vec<Deed>), Refused> {
        let deeds = self.core.restart(app, process, now())?;
        let rolling = self.core.app(app).and_then(|app| app.rollout()).map(|rollout| rollout.to.release);
        Ok((rolling.filter(|_| process.is_none()), deeds))
    }

    fn definition(&self, name: &str) -> Answer {
        let Some(app) = self.core.app(name) else { return no_app(name) };
        let number = app.current().map(|current| current.release).or(app.history.current());
        match number.and_then(|number| app.history.get(number)).or(app.history.iter().next_back()) {
            Some(release) => Answer::Definition {
                release: release.number,
                definition: Box::new(release.definition.clone()),
            },
            None => no_app(name),
        }
    }

    fn releases(&self, name: &str) -> Answer {
        let Some(app) = self.core.app(name) else { return no_app(name) };
        Answer::Releases { current: app.history.current(), releases: app.history.iter().cloned().collect() }
    }

    /// The caller goes on as a one-off process; it is watched until it ends.
    fn one_off(&mut self, app: &str, command: String, pid: u32) -> Answer {
        if self.core.app(app).is_none() {
            return no_app(app);
        }
        let one_off = OneOff { pid, command, since: now().wall };
        self.one_offs.entry(app.to_string()).or_default().push(one_off);
        self.unsaved.told();
        let (events, app) = (self.events.clone(), app.to_string());
        watch_end(pid, async move {
            let _ = events.send(Event::OneOffEnded(app, pid)).await;
        });
        Answer::Taken { release: None }
    }

    fn listen(&mut self, asked: &Addresses) -> Answer {
        let before = self.listeners.addresses();
        if let Err((address, error)) = self.listeners.add(asked) {
            let hint = hint_for_listening(error.kind()).to_string();
            return Answer::Refused { why: format!("cannot listen on {address}: {error}"), hint: Some(hint) };
        }
        let runs = self.core.app(OWN_APP).is_some_and(|app| app.is_alive() || app.rollout().is_some());
        if !self.listeners.is_empty() && (before != self.listeners.addresses() || !runs) {
            self.start_router();
        }
        self.unsaved.durable();
        Answer::Taken { release: None }
    }

    /// Starts the router; where one runs, the new one takes over from it.
    pub(super) fn start_router(&mut self) {
        let program = self.options.program.display().to_string();
        let run = self.options.home.run.display().to_string();
        let mut router = ProcessType::new(
            "router",
            CommandLine::Argv(vec![program, "router".into(), "--keeper".into(), run]),
        );
        router.ready = Readiness::Notify;
        router.ready_timeout = Duration::from_secs(20);
        router.stop.grace = ROUTER_GRACE;
        router.stop.target = StopTarget::Leader;
        let definition = own_definition(OWN_APP, &self.options.version, router);
        match self.core.deploy(definition, &Formation::new(), "router", now()) {
            Ok((_, deeds)) => self.carry_out(deeds),
            Err(refused) => self.trouble(&format!("the router cannot be started: {refused}")),
        }
    }
}

/// Does something once a process that is no child has ended; at once when it already has.
#[expect(deprecated, reason = "its successor is `unsafe` to call; nobody else can close an owned descriptor")]
pub(super) fn watch_end(pid: u32, then: impl Future<Output = ()> + Send + 'static) {
    let watched = processes::pid(pid)
        .and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok())
        .and_then(|descriptor| AsyncFd::with_interest(descriptor, tokio::io::Interest::READABLE).ok());
    tokio::spawn(async move {
        if let Some(watched) = watched {
            let _ = watched.readable().await;
        }
        then.await;
    });
}

fn hint_for_listening(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => "another program listens there; choose another address",
        ErrorKind::AddrNotAvailable => "this machine has no such address; 0.0.0.0 means all that it has",
        ErrorKind::PermissionDenied => "ports below 1024 are for root; choose a higher one",
        _ => "write ADDRESS:PORT with an IP address, such as 127.0.0.1:8080",
    }
}

fn numbered((number, deeds): (u64, Vec<Deed>)) -> (Option<u64>, Vec<Deed>) {
    (Some(number), deeds)
}

fn unnumbered(deeds: Vec<Deed>) -> (Option<u64>, Vec<Deed>) {
    (None, deeds)
}

fn no_app(name: &str) -> Answer {
    let refused = Refused::NoApp(name.into());
    Answer::Refused { why: refused.to_string(), hint: hint(&refused) }
}

fn hint(refused: &Refused) -> Option<String> {
    let text = match refused {
        Refused::NoApp(_) => "`pinch ps` lists the apps; `pinch up DIR` makes one",
        Refused::NothingToStart(_) => "`pinch up DIR` makes its first release",
        Refused::Unknown(_) => "`pinch releases` lists them",
        Refused::StillRuns(_) => "`pinch stop` first",
        _ => return None,
    };
    Some(text.into())
}
