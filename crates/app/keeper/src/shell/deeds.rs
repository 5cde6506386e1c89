//! Doing what the core says.

use std::collections::VecDeque;
use std::sync::Arc;

use procfile::Readiness;

use super::events::Event;
use super::pipes::Pipe;
use super::{Key, Leader, Shell, processes, ready, spawn, sweep};
use crate::core::{Act, Deed, Input, Notice, State};

impl Shell {
    /// Does all of it, and what comes of it, until nothing more has to be done.
    pub(super) fn carry_out(&mut self, deeds: Vec<Deed>) {
        let mut waiting = VecDeque::from(deeds);
        while let Some(Deed { app, act }) = waiting.pop_front() {
            self.unsaved.live();
            match act {
                Act::Spawn(slot) => {
                    let more = waiting.iter().any(|deed| matches!(deed.act, Act::Spawn(_)));
                    waiting.extend(self.start(&(app, slot), more));
                }
                Act::Signal(slot, signal, target) => {
                    if let Some(pid) = self.pid_of(&app, &slot) {
                        processes::send(pid, &signal, target);
                    }
                }
                Act::Kill(slot) => self.kill(&(app, slot)),
                Act::Sweep(slot) => waiting.extend(self.begin_sweep(&(app, slot))),
                Act::Drain(_) => self.settle_drains(),
                Act::Forget(slot) => self.forget(&(app, slot)),
                Act::Tell(notice) => self.tell(app, notice),
            }
        }
        // Not before a process was started: its thread would have its turn first.
        self.output.wake();
    }

    fn tell(&mut self, app: String, notice: Notice) {
        if matches!(notice, Notice::RolloutDone { .. } | Notice::Stopped | Notice::RolloutFailed { .. }) {
            self.unsaved.durable();
        }
        let _ = self.notices.send(Arc::new((app, notice)));
    }

    fn pid_of(&self, app: &str, slot: &crate::core::Slot) -> Option<u32> {
        self.core.placement(app, slot)?.instance.pid
    }

    /// Starts a process and says how that went. Whether more are to be started right after it is told.
    fn start(&mut self, key: &Key, more: bool) -> Vec<Deed> {
        let input = match self.try_start(key) {
            Ok(pid) => {
                if !more {
                    // It is where this task is, often on the same processor. What is still to do (the book-keeping, a look at
                    // every process of the machine for strays) takes longer than it needs to begin.
                    std::thread::yield_now();
                }
                self.leads(pid, key);
                Input::Spawned(pid)
            }
            Err(why) => Input::CannotSpawn(why),
        };
        let mut deeds = self.core.take(&key.0, &key.1, input.clone(), super::now());
        if let Input::Spawned(pid) = input {
            deeds.extend(self.await_readiness(key, pid));
        }
        deeds
    }

    /// From now on that process is the one of a slot.
    pub(super) fn leads(&mut self, pid: u32, key: &Key) {
        let ticks = processes::start_ticks(pid);
        self.leaders.insert(pid, Leader { key: key.clone(), ticks });
    }

    fn try_start(&mut self, key: &Key) -> Result<u32, String> {
        let (app, slot) = key;
        if self.core.placement(app, slot).is_some_and(|one| one.instance.state != State::Starting) {
            return Err("it was asked to stop before it was started".into());
        }
        self.give_port(key)?;
        let owner = self.owner(key)?;
        let output = self.open_pipes(key, owner)?;
        self.starts = self.starts.saturating_add(1);
        let gone = || "it is gone".to_string();
        let placement = self.core.placement(app, slot).ok_or_else(gone)?;
        let process_type = &placement.instance.process_type;
        let definition = &self
            .core
            .app(app)
            .and_then(|app| app.history.get(placement.release))
            .ok_or_else(gone)?
            .definition;
        let mut added = vec![
            ("PINCH_APP", app.clone()),
            ("PINCH_PROCESS", slot.process()),
            ("PINCH_RELEASE", placement.release.to_string()),
            ("PS", slot.process()),
            (processes::KEEPER, self.options.home.run.display().to_string()),
            (processes::SLOT, format!("{app}/{slot}")),
            (processes::START, self.starts.to_string()),
        ];
        added.extend(placement.port.map(|port| ("PORT", port.to_string())));
        if process_type.ready == Readiness::Notify {
            // There before the process is: it may say so at once.
            let path = self.options.home.notify_socket(app, &slot.to_string());
            let socket = super::sockets::datagram(&path, owner)
                .map_err(|error| format!("its notify socket {}: {error}", path.display()))?;
            self.notify_sockets.insert(key.clone(), socket);
            added.push(("NOTIFY_SOCKET", path.display().to_string()));
        }
        spawn::spawn(spawn::Start {
            process_type,
            folder: &definition.directory,
            config: &definition.config,
            added,
            output,
        })
    }

    /// The port that it had, if it is still free; else another.
    fn give_port(&mut self, key: &Key) -> Result<(), String> {
        let (app, slot) = key;
        let Some(placement) = self.core.placement(app, slot) else { return Ok(()) };
        let port = match (placement.instance.process_type.port, placement.port) {
            (Some(first), _) => {
                let offset = u16::try_from(slot.number - 1).ok();
                let port = offset
                    .and_then(|offset| first.checked_add(offset))
                    .ok_or("its port would be past 65535")?;
                if !spawn::is_free(port) {
                    return Err(format!("port {port} is in use by another program"));
                }
                port
            }
            (None, Some(before)) if spawn::is_free(before) => before,
            (None, _) => {
                let taken: Vec<u16> = self
                    .core
                    .apps()
                    .flat_map(|(_, app)| app.slots())
                    .filter_map(|(_, one)| one.port)
                    .collect();
                let port = spawn::free_port(self.last_port, |port| taken.contains(&port));
                self.last_port = port.ok_or("no port is free")?;
                self.last_port
            }
        };
        if let Some(placement) = self.core.placement_mut(app, slot) {
            placement.port = Some(port);
        }
        Ok(())
    }

    /// Whose the process's pipe has to be, when it runs as another user.
    pub(super) fn owner(&self, key: &Key) -> Result<Option<(u32, u32)>, String> {
        let placement = self.core.placement(&key.0, &key.1);
        let user = placement.and_then(|placement| placement.instance.process_type.user.as_deref());
        user.map(|user| spawn::user(user).map(|user| (user.uid, user.gid))).transpose()
    }

    pub(super) fn open_pipes(
        &mut self,
        key: &Key,
        owner: Option<(u32, u32)>,
    ) -> Result<(std::os::fd::OwnedFd, std::os::fd::OwnedFd), String> {
        if !self.pipes.contains_key(key) {
            let (app, slot) = (&key.0, key.1.to_string());
            let of = |stream: &str| Pipe::named(&self.options.home.pipe(app, &slot, stream), owner);
            let folder = self.options.home.run.join("pipes").join(app);
            super::save::private_folder(&folder).map_err(|error| error.to_string())?;
            let mut pair = [of("out")?, of("err")?];
            self.output.open(key, &mut pair)?;
            self.pipes.insert(key.clone(), pair);
        }
        let [out, err] = &self.pipes[key];
        Ok((out.for_process()?, err.for_process()?))
    }

    /// Watches for it to become ready.
    pub(super) fn await_readiness(&mut self, key: &Key, pid: u32) -> Vec<Deed> {
        let Some(placement) = self.core.placement(&key.0, &key.1) else { return Vec::new() };
        let readiness = placement.instance.process_type.ready.clone();
        let port = placement.port;
        if readiness == Readiness::Uptime(std::time::Duration::ZERO) {
            return self.core.take(&key.0, &key.1, Input::Ready, super::now());
        }
        let socket = (readiness == Readiness::Notify).then(|| {
            self.notify_sockets.remove(key).or_else(|| {
                // Of an adopted process, which has yet to say it.
                let path = self.options.home.notify_socket(&key.0, &key.1.to_string());
                super::sockets::datagram(&path, self.owner(key).ok()?).ok()
            })
        });
        let (events, key_there) = (self.events.clone(), key.clone());
        let task = tokio::spawn(async move {
            ready::wait(readiness, port, socket.flatten()).await;
            let _ = events.send(Event::Ready(key_there, pid)).await;
        });
        if let Some(earlier) = self.readiness.insert(key.clone(), task.abort_handle()) {
            earlier.abort();
        }
        Vec::new()
    }

    fn kill(&mut self, key: &Key) {
        if let Some(pid) = self.pid_of(&key.0, &key.1) {
            processes::send(pid, "KILL", procfile::StopTarget::Group);
        }
        for stray in sweep::strays(&self.options.home, key) {
            processes::send(stray, "KILL", procfile::StopTarget::Leader);
        }
    }

    /// Nothing of it is left, and nothing of it will come again.
    fn forget(&mut self, key: &Key) {
        if self.pipes.remove(key).is_some() {
            self.output.close(key);
            let slot = key.1.to_string();
            for stream in ["out", "err"] {
                let _ = std::fs::remove_file(self.options.home.pipe(&key.0, &slot, stream));
            }
        }
        let _ = std::fs::remove_file(self.options.home.notify_socket(&key.0, &key.1.to_string()));
        for finished in self.routers.values_mut() {
            finished.retain(|one| one != key);
        }
    }
}
