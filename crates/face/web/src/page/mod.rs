//! Views as HTML.
//!
//! A page is a shell around its *parts*: elements with an id, each made from the view alone. What changes is sent part by part, so the
//! same functions make the first page and every later change.

mod app;
mod log;
mod shell;
mod words;

pub(crate) use log::{LogWriter, Note};
pub(crate) use shell::{content_security_policy, missing};

use maud::{Markup, html};

use crate::readable::readable;
use crate::view::{AppView, Mood, Summary, View, encoded};

/// An element of a page that can be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) id: String,
    pub(crate) html: String,
}

/// Everything on a page that follows the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) title: String,
    pub(crate) parts: Vec<Part>,
}

/// The page of all apps.
pub(crate) fn index(view: &View) -> String {
    shell::page(&shell::Shell {
        view,
        live: &Live::of_index(view),
        events: "/events".into(),
        here: None,
        log: None,
    })
}

/// The page of one app; `log` are its newest lines.
pub(crate) fn app(view: &View, app: &AppView, log: Markup) -> String {
    shell::page(&shell::Shell {
        view,
        live: &Live::of_app(view, Some(app)),
        events: format!("/events?app={}", encoded(&app.name)),
        here: Some(app),
        log: Some(log),
    })
}

impl Live {
    /// Of the page of all apps.
    pub(crate) fn of_index(view: &View) -> Self {
        let mut parts = vec![
            part("summary", |id| headline(id, &view.summary)),
            part("alerts", |id| alerts(id, view)),
            part("router", |id| router(id, view)),
        ];
        parts.extend(
            view.apps.iter().map(|app| {
                part(&format!("app-{}", encoded(&app.name)), |id| app::section(id, app, view.now))
            }),
        );
        if view.apps.iter().all(|app| app.own) {
            parts.push(part("none", nothing_yet));
        }
        parts.push(part("keeper", |id| keeper(id, view)));
        Self { title: format!("{} · Pinch", view.summary.text.trim_end_matches('.')), parts }
    }

    /// Of the page of one app; `None`: it is no longer there.
    pub(crate) fn of_app(view: &View, app: Option<&AppView>) -> Self {
        let Some(app) = app else {
            return Self { title: "Gone · Pinch".into(), parts: vec![part("summary", gone)] };
        };
        let parts = vec![
            part("summary", |id| app::headline(id, app)),
            part("alerts", |id| alerts(id, view)),
            part("details", |id| app::details(id, app, view.now)),
            part("processes", |id| app::processes(id, app, view.now)),
        ];
        Self { title: format!("{}: {} · Pinch", readable(app.name.as_bytes()), app.state.label()), parts }
    }

    /// All parts in their container, itself a part.
    pub(crate) fn whole(&self) -> Part {
        let parts: String = self.parts.iter().map(|part| part.html.as_str()).collect();
        Part { id: "live".into(), html: format!("<div id=\"live\">{parts}</div>") }
    }

    /// What has to be replaced in a page that shows `before`.
    pub(crate) fn changes(&self, before: &Self) -> Vec<Part> {
        let same_ids = self.parts.len() == before.parts.len()
            && self.parts.iter().zip(&before.parts).all(|(new, old)| new.id == old.id);
        if !same_ids {
            return vec![self.whole()];
        }
        let pairs = self.parts.iter().zip(&before.parts);
        pairs.filter(|(new, old)| new != old).map(|(new, _)| new.clone()).collect()
    }
}

fn part(id: &str, render: impl FnOnce(&str) -> Markup) -> Part {
    Part { id: id.into(), html: render(id).into_string() }
}

/// A text of unknown origin.
fn text(text: &str) -> String {
    readable(text.as_bytes())
}

fn headline(id: &str, summary: &Summary) -> Markup {
    html! {
        div id=(id) class="headline" role="status" {
            h1 class=(mood(summary.mood)) { (summary.text) }
            @if let Some(trouble) = &summary.trouble { p class="trouble" { (text(trouble)) } }
        }
    }
}

fn mood(mood: Mood) -> &'static str {
    match mood {
        Mood::Idle => "mood idle",
        Mood::Good => "mood good",
        Mood::Busy => "mood busy",
        Mood::Bad => "mood bad",
    }
}

/// What is wrong beside the apps.
fn alerts(id: &str, view: &View) -> Markup {
    html! {
        div id=(id) role="alert" {
            @if !view.keeper.answers {
                p class="alert" {
                    strong { "The keeper does not answer. " }
                    "What follows is what it said last; processes go on without it."
                }
            }
            @if !view.stalled.is_empty() {
                div class="alert" {
                    p { strong { "Logs cannot be written. " } "Processes that write to them wait and lose nothing." }
                    ul { @for stream in &view.stalled { li { code { (text(stream)) } } } }
                }
            }
            @if !view.troubles.is_empty() {
                div class="alert" {
                    p { strong { "The keeper had trouble in the last hour." } }
                    ul {
                        @for trouble in &view.troubles {
                            @let (clock, whole) = words::clock(trouble.at);
                            li { time datetime=(whole) { (clock) } " " code { (text(&trouble.text)) } }
                        }
                    }
                }
            }
        }
    }
}

fn router(id: &str, view: &View) -> Markup {
    let Some(router) = view.router else { return html! { div id=(id) {} } };
    let numbers = [
        ("In flight", router.in_flight, false),
        ("Requests", router.requests, false),
        ("Errors 5xx", router.server_errors, router.server_errors > 0),
        ("Errors 4xx", router.client_errors, false),
        ("Retried", router.retried, false),
        ("Connections", router.connections, false),
        ("WebSockets", router.tunnels, false),
    ];
    html! {
        section id=(id) class="router" aria-labelledby="router-name" {
            h2 id="router-name" { "Router" }
            dl {
                @for (name, number, bad) in numbers {
                    div class=[bad.then_some("bad")] { dt { (name) } dd { (words::number(number)) } }
                }
            }
        }
    }
}

fn nothing_yet(id: &str) -> Markup {
    html! {
        section id=(id) class="none" {
            p { "Bring one up with " code { "pinch up DIRECTORY" } ", and it appears here." }
        }
    }
}

fn gone(id: &str) -> Markup {
    html! {
        div id=(id) class="headline" role="status" { h1 class="mood idle" { "This app is no longer there." } }
    }
}

fn keeper(id: &str, view: &View) -> Markup {
    let keeper = &view.keeper;
    html! {
        p id=(id) class="keeper" {
            "Keeper " (text(&keeper.version)) ", process " (keeper.pid) ", up for "
            (words::duration(view.now.saturating_sub(keeper.since)))
            @if keeper.upgrades > 0 {
                ", upgraded " (words::counted(keeper.upgrades.into(), "time", "times")) " meanwhile"
            }
            @if !view.http.is_empty() { ". Apps answer at " (text(&view.http.join(", "))) }
            "."
        }
    }
}
