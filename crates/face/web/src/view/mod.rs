//! What a person, or a program that reads `/status.json`, is to see: the keeper's status without anything that could hold a
//! secret.
//!
//! It is an allow-list. Process types with their commands and variables stay behind; what comes along is named here.

mod app;
mod links;
mod summary;

use keeper::protocol::{OneOff, Status, Trouble};
use serde::Serialize;

pub(crate) use app::{AppState, AppView, ProcessState, ProcessView};
pub(crate) use links::{Link, encoded};
pub(crate) use summary::{Mood, Summary};

use crate::RouterStatistics;

/// For how long a trouble of the keeper is shown, in seconds.
const LATELY: u64 = 3600;

/// Everything there is to see.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// When this was true, in seconds since 1970.
    pub(crate) now: u64,
    pub(crate) keeper: KeeperView,
    /// Addresses for apps.
    pub(crate) http: Vec<String>,
    /// Address of this page.
    pub(crate) admin: Option<String>,
    pub(crate) summary: Summary,
    /// People's apps by name, then Pinch's own.
    pub(crate) apps: Vec<AppView>,
    /// Streams that cannot be written to the log at the moment, and why.
    pub(crate) stalled: Vec<String>,
    /// What went wrong for the keeper itself in the last hour, oldest first.
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) router: Option<RouterStatistics>,
}

/// The keeper.
#[derive(Debug, Serialize)]
pub(crate) struct KeeperView {
    /// Whether it still tells what changes.
    pub(crate) answers: bool,
    pub(crate) pid: u32,
    pub(crate) version: String,
    /// Since when it runs, in seconds since 1970.
    pub(crate) since: u64,
    /// How often it has become another program without ending.
    pub(crate) upgrades: u32,
}

/// What is known besides the keeper's status.
pub(crate) struct Facts<'a> {
    /// Seconds since 1970.
    pub(crate) now: u64,
    /// Whether the keeper still tells what changes.
    pub(crate) keeper_answers: bool,
    pub(crate) router: Option<RouterStatistics>,
    /// The name by which the page was reached.
    pub(crate) reached: &'a str,
}

impl View {
    pub(crate) fn new(status: &Status, facts: &Facts<'_>) -> Self {
        let mut apps: Vec<_> =
            status.apps.iter().map(|app| AppView::new(app, &status.http, facts.reached)).collect();
        apps.sort_by(|a, b| (a.own, &a.name).cmp(&(b.own, &b.name)));
        let (own, people): (Vec<_>, Vec<_>) = apps.iter().partition(|app| app.own);
        let summary = Summary::of(&people, &own);
        let lately = |trouble: &&Trouble| facts.now.saturating_sub(trouble.at) < LATELY;
        Self {
            now: facts.now,
            keeper: KeeperView {
                answers: facts.keeper_answers,
                pid: status.pid,
                version: status.version.clone(),
                since: status.since,
                upgrades: status.upgrades,
            },
            http: status.http.clone(),
            admin: status.admin.clone(),
            summary,
            apps,
            stalled: status.stalled.clone(),
            troubles: status.troubles.iter().filter(lately).cloned().collect(),
            router: facts.router,
        }
    }

    /// An app, by the form of its name in URLs.
    pub(crate) fn app(&self, encoded_name: &str) -> Option<&AppView> {
        self.apps.iter().find(|app| encoded(&app.name) == encoded_name)
    }
}

/// A one-off process, with what looks secret in its command covered.
#[derive(Debug, Serialize)]
pub(crate) struct OneOffView {
    pub(crate) pid: u32,
    pub(crate) command: String,
    /// Since when it runs, in seconds since 1970.
    pub(crate) since: u64,
}

impl From<&OneOff> for OneOffView {
    fn from(one_off: &OneOff) -> Self {
        Self { pid: one_off.pid, command: procfile::mask("", &one_off.command), since: one_off.since }
    }
}
