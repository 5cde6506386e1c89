//! What the keeper tells: the status, and the routes.

use std::sync::Arc;

use super::listeners::Addresses;
use super::{Shell, is_own, now};
use crate::core::{App, Placement, Slot};
use crate::protocol::{AppStatus, ProcessStatus, RouteEntry, Status, Target};

impl Shell {
    /// Tells those who listen, if something has changed and somebody does.
    pub(super) fn publish(&mut self) {
        if !std::mem::take(&mut self.unsaved.told) {
            return;
        }
        let routes = self.routes();
        self.table.send_if_modified(|there| {
            let changed = **there != routes;
            if changed {
                *there = Arc::new(routes);
            }
            changed
        });
        if self.status.receiver_count() > 0 {
            self.publish_now();
        }
    }

    /// Tells the status whether or not something has changed.
    pub(super) fn publish_now(&mut self) {
        let status = Arc::new(self.report());
        self.status.send_replace(status);
    }

    /// Everything there is to know.
    pub(super) fn report(&self) -> Status {
        let Addresses { http, tls, admin } = self.listeners.addresses();
        Status {
            pid: std::process::id(),
            version: self.options.version.clone(),
            since: self.since,
            upgrades: self.upgrades,
            logs: self.options.home.logs.clone(),
            http,
            tls,
            admin,
            apps: self.core.apps().map(|(name, app)| self.report_app(name, app)).collect(),
            stalled: self.output.stalled(),
            troubles: self.words.troubles(),
        }
    }

    fn report_app(&self, name: &str, app: &App) -> AppStatus {
        let release = app.current().map(|current| current.release).or(app.history.current());
        let rolling_out = app.rollout().map(|rollout| rollout.to.release);
        let shown = release
            .or(rolling_out)
            .and_then(|number| app.history.get(number))
            .or(app.history.iter().next_back());
        let definition = shown.map(|release| &release.definition);
        AppStatus {
            name: name.into(),
            wanted: app.wanted,
            release,
            rolling_out,
            outcome: app.outcome,
            route: definition.and_then(|definition| definition.route.clone()),
            directory: definition.map(|definition| definition.directory.clone()).unwrap_or_default(),
            revision: definition.and_then(|definition| definition.revision.clone()),
            processes: app.slots().map(|(slot, placement)| report_process(app, slot, placement)).collect(),
            one_offs: self.one_offs.get(name).cloned().unwrap_or_default(),
        }
    }

    /// The routes of all apps, those that have nobody to answer among them.
    fn routes(&self) -> Vec<RouteEntry> {
        self.core
            .apps()
            .filter(|(name, _)| !is_own(name))
            .filter_map(|(name, app)| route(name, app))
            .collect()
    }
}

fn report_process(app: &App, slot: &Slot, placement: &Placement) -> ProcessStatus {
    let instance = &placement.instance;
    let age = now().steady.saturating_sub(instance.since).as_secs();
    let generations = [app.current(), app.rollout().map(|rollout| rollout.to)];
    let stays = generations.into_iter().flatten().any(|generation| generation.number == slot.generation);
    ProcessStatus {
        slot: slot.clone(),
        process: slot.process(),
        release: placement.release,
        state: instance.state.clone(),
        since: now().wall.saturating_sub(age),
        pid: instance.pid,
        port: placement.port,
        restarts: instance.restarts,
        last: instance.last,
        trouble: instance.trouble.clone(),
        leaving: !stays || placement.is_draining(),
        process_type: instance.process_type.as_ref().clone(),
    }
}

fn route(name: &str, app: &App) -> Option<RouteEntry> {
    let table = app.table()?;
    let target = |(slot, placement): (&Slot, &Placement)| {
        Some(Target { id: format!("{name}/{slot}"), port: placement.port? })
    };
    Some(RouteEntry {
        app: name.into(),
        route: table.route.clone(),
        instances: table.instances.into_iter().filter_map(target).collect(),
        draining: table.draining.into_iter().filter_map(target).collect(),
    })
}
