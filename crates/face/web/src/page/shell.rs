//! What all pages have in common: head, header, footer, style, script and the policy that lets only these two in.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{Live, text, words};
use crate::view::{AppView, View};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A page before it is one.
pub(super) struct Shell<'a> {
    pub(super) view: &'a View,
    pub(super) live: &'a Live,
    /// Where its changes come from.
    pub(super) events: String,
    /// The app it is about.
    pub(super) here: Option<&'a AppView>,
    /// The newest lines of its log.
    pub(super) log: Option<Markup>,
}

/// What a browser may do with a page: show it, with this style and this script, and listen to its events.
pub(crate) fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
        format!(
            "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(SCRIPT),
            hash(STYLE)
        )
    });
    &POLICY
}

pub(super) fn page(shell: &Shell<'_>) -> String {
    let (clock, time) = words::clock(shell.view.now);
    let body = html! {
        header class="bar" {
            nav aria-label="Pages" {
                ol {
                    li { a class="brand" href="/" aria-current=[shell.here.is_none().then_some("page")] { (mark()) "Pinch" } }
                    @if let Some(app) = shell.here { li { span aria-current="page" { (text(&app.name)) } } }
                }
            }
            p class="connection" {
                span id="connection" role="status" { "As of " time datetime=(time) { (clock) " UTC" } }
                " " a id="refresh" href="" { "Refresh" }
                button id="pause" type="button" hidden { "Pause" }
            }
        }
        main id="main" tabindex="-1" {
            (PreEscaped(shell.live.whole().html))
            @if let (Some(app), Some(lines)) = (shell.here, &shell.log) { (log(app, lines)) }
        }
    };
    document(&shell.live.title, Some(&shell.events), &body)
}

/// The page in place of one that is not there.
pub(crate) fn missing() -> String {
    let body = html! {
        header class="bar" { nav aria-label="Pages" { a class="brand" href="/" { (mark()) "Pinch" } } }
        main id="main" tabindex="-1" {
            div class="headline" { h1 class="mood idle" { "There is no such page." } }
            p { "Perhaps the app is gone. " a href="/" { "All apps" } }
        }
    };
    document("Not found · Pinch", None, &body)
}

fn document(title: &str, events: Option<&str>, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                style { (PreEscaped(STYLE)) }
            }
            body data-events=[events] {
                a class="skip" href="#main" { "Skip to the content" }
                (body)
                footer { p { a href="/status.json" { "Status as JSON" } } }
                @if events.is_some() { script { (PreEscaped(SCRIPT)) } }
            }
        }
    };
    page.into_string()
}

fn log(app: &AppView, lines: &Markup) -> Markup {
    html! {
        section class="log" aria-labelledby="log-name" {
            header {
                h2 id="log-name" { "Log" }
                p { "Newest lines last. All of them: " code { "pinch logs " (text(&app.name)) } }
            }
            // Turned around twice, so that it begins and stays at its end without a script.
            div class="window" role="region" aria-labelledby="log-name" tabindex="0" {
                ol id="lines" { (lines) }
            }
        }
    }
}

/// Two fingertips that meet.
fn mark() -> Markup {
    html! {
        svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
            path d="M1 2.5 6.5 8 1 13.5M15 2.5 9.5 8 15 13.5" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text of these elements ends at the first thing that looks like their end.
    #[test]
    fn style_and_script_stay_in_their_elements() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        assert!(!SCRIPT.contains("http"));
    }
}
