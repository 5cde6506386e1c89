//! `logs`: what processes said, read from the log files. No keeper has to run.

use logs::{Pattern, Query, Timestamp};
use report::{Exit, Problem};

use super::lines::Lines;
use super::place::Place;
use super::terminal_log::{TerminalLog, access_log};
use crate::arguments::Logs;
use crate::terminal::{Interrupts, Surroundings};

/// Events that `--follow` begins with when nobody says.
const BEGIN_WITH: usize = 100;

/// Shows the log of an app.
pub(crate) fn logs(arguments: &Logs, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    place.exit(show(arguments, &place))
}

fn show(arguments: &Logs, place: &Place) -> Result<u8, Problem> {
    let app = app(arguments, place)?;
    let folder = place.home.logs.join(&app);
    let query = Query { others: access_log(&app, place), ..query(arguments)? };
    let lines = Lines::new(place.talk.out, !place.talk.out_is_terminal, []);
    let mut log = TerminalLog::open(&folder, query, place, lines)?;
    let interrupts = Interrupts::watch();
    while log.write_out()? && arguments.follow {
        if interrupts.count() > 0 {
            return Ok(Exit::Interrupted.code());
        }
        log.wait();
    }
    Ok(Exit::Done.code())
}

/// The app: the one that runs, or the one that was named, whether it runs or not.
fn app(arguments: &Logs, place: &Place) -> Result<String, Problem> {
    if let Some(name) = &arguments.common.app {
        let folder = place.home.logs.join(name);
        let there = !name.contains('/') && folder.is_dir();
        let none = || Problem::error("logs.none", format!("there is no log of an app `{name}`"));
        return if there {
            Ok(name.clone())
        } else {
            Err(none()
                .on(place.home.logs.display().to_string())
                .hint("`pinch ps` lists the apps")
                .exit(Exit::Failed))
        };
    }
    place.app().map(|app| app.name)
}

fn query(arguments: &Logs) -> Result<Query, Problem> {
    let time = |text: &Option<String>| text.as_deref().map(|text| time(text, Timestamp::now())).transpose();
    let pattern = match &arguments.grep {
        Some(text) => Some(Pattern::regex(text).map_err(|error| {
            let problem = Problem::error("logs.pattern", format!("`{text}` is no regular expression"));
            problem
                .why(error.to_string())
                .hint(r"write a backslash before a character that is meant as it is: \(")
        })?),
        None => None,
    };
    let by_default = (arguments.follow && arguments.since.is_none()).then_some(BEGIN_WITH);
    Ok(Query {
        processes: arguments.process.clone(),
        since: time(&arguments.since)?,
        until: time(&arguments.until)?,
        pattern,
        tail: arguments.tail.or(by_default),
        follow: arguments.follow,
        ..Query::default()
    })
}

/// A time: an age such as `90s`, `10m`, `2h`, `3d`, or a moment as RFC 3339 writes it.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let age = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    if let Some(age) = age {
        return Ok(now.before(std::time::Duration::from_secs(age)));
    }
    Timestamp::parse(text.as_bytes()).ok_or_else(|| {
        Problem::error("logs.time", format!("`{text}` is no time"))
            .hint("write an age (90s, 10m, 2h, 3d) or a moment (2026-11-28T10:00:00Z)")
    })
}
