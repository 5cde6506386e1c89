//! One app: its section in the list of all, and the parts of its own page.

use keeper::core::Outcome;
use maud::{Markup, html};

use super::{text, words};
use crate::view::{AppState, AppView, Link, OneOffView, ProcessState, ProcessView, encoded};

/// Links that are shown in the list of all apps.
const LINKS: usize = 3;
/// Letters of a revision that are shown; all of them are in its title.
const REVISION: usize = 12;

/// An app in the list of all.
pub(super) fn section(id: &str, app: &AppView, now: u64) -> Markup {
    let name = format!("{id}-name");
    html! {
        section id=(id) class="app" aria-labelledby=(name) {
            header {
                h2 id=(name) { a href={ "/apps/" (encoded(&app.name)) } { (text(&app.name)) } }
                (state_of(app))
                @if let Some(release) = app.release { span class="release" { "release v" (release) } }
                @if app.own { span class="release" { "Pinch’s own processes" } }
                (links(&app.links, LINKS))
            }
            (progress(app))
            (table(app, now))
            (one_offs(&app.one_offs, now))
        }
    }
}

/// The heading of an app's own page.
pub(super) fn headline(id: &str, app: &AppView) -> Markup {
    html! {
        div id=(id) class="headline" {
            h1 { (text(&app.name)) }
            span role="status" { (state_of(app)) }
        }
    }
}

/// What an app is.
pub(super) fn details(id: &str, app: &AppView, now: u64) -> Markup {
    html! {
        div id=(id) class="details" {
            (progress(app))
            dl {
                @if let Some(release) = app.release { div { dt { "Release" } dd { "v" (release) } } }
                @if !app.links.is_empty() { div { dt { "URL" } dd { (links(&app.links, usize::MAX)) } } }
                @if !app.directory.is_empty() { div { dt { "Directory" } dd { code { (text(&app.directory)) } } } }
                @if let Some(revision) = &app.revision { div { dt { "Revision" } dd { (short(revision)) } } }
            }
            (one_offs(&app.one_offs, now))
        }
    }
}

/// The processes of an app, on its own page.
pub(super) fn processes(id: &str, app: &AppView, now: u64) -> Markup {
    html! {
        section id=(id) aria-labelledby="processes-name" {
            h2 id="processes-name" { "Processes" }
            (table(app, now))
        }
    }
}

fn state_of(app: &AppView) -> Markup {
    let class = match app.state {
        AppState::Ready => "state ready",
        AppState::RollingOut | AppState::Starting => "state starting",
        AppState::Backoff => "state backoff",
        AppState::Failed => "state failed",
        AppState::Stopping => "state stopping",
        AppState::Stopped => "state stopped",
    };
    html! { span class=(class) { (app.state.label()) } }
}

fn links(links: &[Link], most: usize) -> Markup {
    html! {
        @if !links.is_empty() {
            span class="links" {
                @for link in links.iter().take(most) {
                    @match &link.url {
                        Some(url) => a href=(url) rel="noreferrer" { (text(&link.text)) },
                        None => span { (text(&link.text)) },
                    }
                    " "
                }
                @if links.len() > most { span { "and " (links.len() - most) " more" } }
            }
        }
    }
}

/// A release that takes over, or what came of the one that should have.
fn progress(app: &AppView) -> Markup {
    let failed = match app.outcome {
        Some(Outcome::Failed) => Some(match app.release {
            Some(release) => format!("The last change failed; release v{release} stays."),
            None => "The last change failed.".into(),
        }),
        Some(Outcome::Ended(code)) => {
            Some(format!("An essential process ended with exit code {code}, and with it the app."))
        }
        Some(Outcome::Done) | None => None,
    };
    html! {
        @if let Some(rollout) = app.rollout {
            p class="rollout" {
                progress value=(rollout.ready) max=(rollout.of.max(1)) aria-hidden="true" {}
                span {
                    "Release v" (rollout.release) " is taking over"
                    @if let Some(release) = app.release { " from v" (release) }
                    ": " (rollout.ready) " of " (words::counted(rollout.of as u64, "process", "processes")) " ready."
                }
            }
        } @else if let Some(failed) = failed {
            p class="outcome" { (failed) }
        }
    }
}

fn short(revision: &str) -> Markup {
    let short: String = text(revision).chars().take(REVISION).collect();
    html! { code title=(text(revision)) { (short) } }
}

fn table(app: &AppView, now: u64) -> Markup {
    html! {
        @if app.processes.is_empty() {
            p class="none" { "No processes." }
        } @else {
            table class="processes" {
                caption { "Processes of " (text(&app.name)) }
                thead {
                    tr {
                        th scope="col" { "Process" }
                        th scope="col" { "State" }
                        th scope="col" class="number" { "For" }
                        th scope="col" class="number" { "Release" }
                        th scope="col" class="number" { "Port" }
                        th scope="col" class="number" { "PID" }
                        th scope="col" class="number" { "Restarts" }
                        th scope="col" { "Last end" }
                    }
                }
                tbody { @for process in &app.processes { (row(process, now)) } }
            }
        }
    }
}

fn row(process: &ProcessView, now: u64) -> Markup {
    let lasted = now.saturating_sub(process.since);
    html! {
        tr class=[process.leaving.then_some("leaving")] {
            th scope="row" { (text(&process.name)) }
            td {
                (state(process.state))
                @if process.leaving { span class="tag" { "leaving" } }
            }
            td class="number" data-name="for" {
                time datetime=(words::duration_for_machines(lasted)) { (words::duration(lasted)) }
            }
            td class="number" data-name="release" { "v" (process.release) }
            (cell("port", process.port.map(|port| port.to_string())))
            (cell("pid", process.pid.map(|pid| pid.to_string())))
            td class={ "number" @if process.restarts == 0 { " zero nothing" } } data-name="restarts" {
                (words::number(process.restarts.into()))
            }
            @match process.last {
                Some(last) => td data-name="last" { (last) },
                None => td class="nothing" {},
            }
        }
        @if let Some(trouble) = &process.trouble {
            tr class="why" { td class="nothing" {} td class="trouble" colspan="7" { (text(trouble)) } }
        }
    }
}

fn cell(name: &str, value: Option<String>) -> Markup {
    html! {
        @match value {
            Some(value) => td class="number" data-name=(name) { (value) },
            None => td class="nothing" {},
        }
    }
}

fn state(state: ProcessState) -> Markup {
    html! { span class={ "state " (state.label()) } { (state.label()) } }
}

fn one_offs(one_offs: &[OneOffView], now: u64) -> Markup {
    html! {
        @if !one_offs.is_empty() {
            table class="one-offs" {
                caption { "One-off processes" }
                thead {
                    tr {
                        th scope="col" { "One-off process" }
                        th scope="col" class="number" { "For" }
                        th scope="col" class="number" { "PID" }
                    }
                }
                tbody {
                    @for one_off in one_offs {
                        tr {
                            th scope="row" { code { (text(&one_off.command)) } }
                            td class="number" data-name="for" { (words::duration(now.saturating_sub(one_off.since))) }
                            td class="number" data-name="pid" { (one_off.pid) }
                        }
                    }
                }
            }
        }
    }
}
