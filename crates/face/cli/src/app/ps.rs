//! `ps`: apps and their processes.

use keeper::core::{Outcome, State, Wanted};
use keeper::protocol::{Answer, AppStatus, ProcessStatus, Request, Status, Trouble};
use release::Route;
use report::{Exit, Problem};

use super::drain_states::{self, DrainState};
use super::failure::of_client;
use super::place::Place;
use crate::arguments::Ps;
use crate::output::{Colour, Paint, harmless};
use crate::terminal::Surroundings;

/// For how long a trouble of the keeper is shown, in seconds.
const LATELY: u64 = 3600;

/// Lists what runs.
pub(crate) fn ps(arguments: &Ps, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let named = arguments.common.app.as_deref();
    if arguments.watch {
        return place.exit(watch(&place, named));
    }
    place.exit(place.status().map(|status| {
        show(&place, &status, named);
        Exit::Done.code()
    }))
}

fn watch(place: &Place, named: Option<&str>) -> Result<u8, Problem> {
    let mut conversation = place.ask(&Request::Watch)?;
    while let Some(answer) = conversation.next().map_err(of_client)? {
        if let Answer::Status(status) = answer {
            if place.talk.out.enabled {
                place.talk.data("\u{1b}[H\u{1b}[2J");
            }
            show(place, &status, named);
        }
    }
    Ok(Exit::Done.code())
}

fn show(place: &Place, status: &Status, named: Option<&str>) {
    if place.json {
        return place.print_json(&json(place, status));
    }
    let now = now();
    let mut text = String::new();
    let shown: Vec<&AppStatus> = status.apps.iter().filter(|app| is_shown(app, named)).collect();
    for app in &shown {
        text += &app_text(app, status, place.talk.out, now);
        text += &drains_text(&drain_states::of_app(app, status, place), place.talk.out);
        text.push('\n');
    }
    for stalled in &status.stalled {
        text += &place.talk.out.text(Colour::Red, format!("log stalled: {stalled}\n"));
    }
    text += &keeper_text(status, place.talk.out, now);
    if shown.is_empty() {
        place.talk.line("no app runs here; `pinch up DIR` starts one");
    }
    place.talk.data(&text);
}

fn app_text(app: &AppStatus, status: &Status, paint: Paint, now: u64) -> String {
    let release =
        app.release.map_or_else(|| "not released".to_string(), |number| format!("release {number}"));
    let mut head = format!("{} ({release}", app.name);
    if let Some(number) = app.rolling_out {
        head += &format!(", release {number} is taking over");
    }
    head += match (app.wanted, app.outcome) {
        (_, Some(Outcome::Failed)) => ", the last change failed",
        (Wanted::Stopped, _) => ", stopped",
        _ => "",
    };
    head += ")";
    let urls = urls(app, status).iter().fold(String::new(), |text, url| text + "  " + url);
    let mut text = format!("{}{urls}\n", paint.text(Colour::Cyan, head));
    let rows: Vec<[String; 7]> = app.processes.iter().map(|process| row(process, now)).collect();
    let heads = ["PROCESS", "STATE", "PID", "PORT", "SINCE", "RESTARTS", "NOTE"].map(String::from);
    let colours = app.processes.iter().map(|process| match process.state {
        State::Failed(_) | State::Backoff(_) => Colour::Red,
        State::Ready => Colour::Green,
        _ => Colour::Yellow,
    });
    if rows.is_empty() {
        text += "  nothing runs\n";
    }
    text += &table(&heads, &rows, colours, paint);
    for one_off in &app.one_offs {
        let age = age(now.saturating_sub(one_off.since));
        text += &format!("  run  pid {}  {age}  {}\n", one_off.pid, harmless(&one_off.command));
    }
    text
}

/// The app that was named, else all; of the keeper's own only those that run.
fn is_shown(app: &AppStatus, named: Option<&str>) -> bool {
    match named {
        Some(name) => name == app.name,
        None => !keeper::is_own(&app.name) || !app.processes.is_empty(),
    }
}

/// The status, and with each app how its drains are doing.
fn json(place: &Place, status: &Status) -> serde_json::Value {
    let mut told = serde_json::json!(status);
    for (index, app) in status.apps.iter().enumerate() {
        let drains = drain_states::of_app(app, status, place);
        told["apps"][index]["drains"] = drains.iter().map(DrainState::json).collect();
    }
    told
}

fn drains_text(drains: &[DrainState], paint: Paint) -> String {
    let now = logs::Timestamp::now();
    let rows: Vec<[String; 6]> = drains.iter().map(|drain| drain.row(now)).collect();
    let colours = drains.iter().map(|drain| match drain.metrics.as_ref().map(|metrics| metrics.state) {
        Some(drains::State::Waiting) => Colour::Red,
        Some(drains::State::Idle | drains::State::Sending) => Colour::Green,
        _ => Colour::Yellow,
    });
    table(&DrainState::HEADS.map(String::from), &rows, colours, paint)
}

/// Rows below their heads, aligned; nothing when there are none.
fn table<const N: usize>(
    heads: &[String; N],
    rows: &[[String; N]],
    colours: impl Iterator<Item = Colour>,
    paint: Paint,
) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let all = || std::iter::once(heads).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| all().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for (row, colour) in all().zip(std::iter::once(Colour::Dim).chain(colours)) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_string();
        text += &paint.text(colour, line);
        text.push('\n');
    }
    text
}

/// What went wrong for the keeper itself lately; nothing when nothing did.
fn keeper_text(status: &Status, paint: Paint, now: u64) -> String {
    let lately = |trouble: &&Trouble| now.saturating_sub(trouble.at) < LATELY;
    let mut text = String::new();
    for trouble in status.troubles.iter().filter(lately) {
        if text.is_empty() {
            text += &format!("{}\n", paint.text(Colour::Cyan, "keeper:"));
        }
        let age = age(now.saturating_sub(trouble.at));
        let line = format!("  {age} ago  {}", harmless(&trouble.text));
        text += &format!("{}\n", paint.text(Colour::Red, line));
    }
    text
}

fn row(process: &ProcessStatus, now: u64) -> [String; 7] {
    let mut notes = Vec::new();
    if process.leaving {
        notes.push(format!("release {}, leaving", process.release));
    }
    if let Some(last) = process.last {
        notes.push(format!("last {last}"));
    }
    notes.extend(process.trouble.as_ref().map(|trouble| harmless(trouble).into_owned()));
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_string(), |number| number.to_string());
    [
        process.process.clone(),
        state_word(&process.state).to_string(),
        number(process.pid),
        number(process.port.map(u32::from)),
        age(now.saturating_sub(process.since)),
        process.restarts.to_string(),
        notes.join("; "),
    ]
}

/// A state in one word.
pub(super) fn state_word(state: &State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Starting => "starting",
        State::Ready => "ready",
        State::Stopping => "stopping",
        State::Backoff(_) => "backoff",
        State::Failed(_) => "failed",
        State::Stopped => "stopped",
    }
}

/// Where an app is reached, as a person would type it; over TLS too, if the router has a certificate.
pub(super) fn urls(app: &AppStatus, status: &Status) -> Vec<String> {
    let Some(route) = &app.route else { return Vec::new() };
    let plain = status.http.first().and_then(|address| url(route, "http", 80, address));
    let tls = status.tls.first().and_then(|one| url(route, "https", 443, &one.address));
    plain.into_iter().chain(tls).collect()
}

fn url(route: &Route, scheme: &str, usual: u16, address: &str) -> Option<String> {
    let (ip, port) = address.rsplit_once(':')?;
    let unspecific = ["0.0.0.0", "[::]", "127.0.0.1", "[::1]"].contains(&ip);
    let host = match route.hosts.first() {
        Some(host) => host.trim_start_matches("*.").to_string(),
        None if unspecific => "localhost".to_string(),
        None => ip.to_string(),
    };
    let port = if port == usual.to_string() { String::new() } else { format!(":{port}") };
    Some(format!("{scheme}://{host}{port}{}", route.path))
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The time of day in seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_of_the_last_hour_are_told() {
        let trouble = |at, text: &str| Trouble { at, text: text.into() };
        let mut status = Status { troubles: vec![trouble(1000, "old")], ..Status::default() };
        let plain = Paint { enabled: false };
        assert_eq!(keeper_text(&status, plain, 4600), "");
        status.troubles.push(trouble(4510, "cannot listen\u{1b}[2J"));
        status.troubles.push(trouble(4600, "no space"));
        let text = keeper_text(&status, plain, 4600);
        assert_eq!(
            text,
            format!("keeper:\n  1m 30s ago  {}\n  0s ago  no space\n", harmless("cannot listen\u{1b}[2J"))
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn ages_are_told_in_two_units() {
        assert_eq!([5, 65, 3700, 90_000].map(age), ["5s", "1m 5s", "1h 1m", "1d 1h"]);
    }
}
