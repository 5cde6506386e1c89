//! What an app's processes said, read from its log and written to standard output.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use logs::{Event, Item, OtherLog, Pattern, Query, ReadError, Reader, Timestamp};
use report::Problem;

use super::lines::{Lines, ROUTER};
use super::place::Place;

/// Between two looks whether to go on.
const LOOK: Duration = Duration::from_millis(100);

/// An app's log on its way to a terminal.
pub(super) struct TerminalLog {
    reader: Reader,
    lines: Lines,
    json: bool,
}

impl TerminalLog {
    /// What a query asks for.
    pub(super) fn open(folder: &Path, query: Query, place: &Place, lines: Lines) -> Result<Self, Problem> {
        let reader = Reader::open(folder, query).map_err(|error| unreadable(&error))?;
        Ok(Self { reader, lines, json: place.json })
    }

    /// Writes all there is at present. A reader that went away ends it: answers whether anybody still listens.
    pub(super) fn write_out(&mut self) -> Result<bool, Problem> {
        let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
        while let Some(item) = self.reader.next().map_err(|error| unreadable(&error))? {
            let text = match item {
                Item::Event(event) if self.json => json(&event),
                Item::Event(event) => self.event(&event),
                Item::Gap(gap) => {
                    let what = format!("a part of the log of {} is gone ({:?})", gap.process, gap.cause);
                    self.lines.line("--------", "system", what.as_bytes())
                }
            };
            if out.write_all(&text).is_err() {
                return Ok(false);
            }
        }
        Ok(out.flush().is_ok())
    }

    /// Waits a moment for more.
    pub(super) fn wait(&mut self) {
        self.reader.wait(LOOK);
    }

    fn event(&mut self, event: &Event) -> Vec<u8> {
        let clock = clock(event.time);
        let lines = event.lines().map(|line| self.lines.line(&clock, &event.process, line));
        lines.collect::<Vec<_>>().concat()
    }
}

/// The part of the router's log that is an app's: its access log.
pub(super) fn access_log(app: &str, place: &Place) -> Vec<OtherLog> {
    // Of names that keepers take, none means more to the expression than its own letters.
    let pattern = Pattern::regex(&format!("^app={app} "));
    let of = |pattern| OtherLog {
        directory: place.home.logs.join(keeper::OWN_APP),
        process: ROUTER.into(),
        name: ROUTER.into(),
        pattern,
    };
    pattern.ok().filter(|_| !keeper::is_own(app)).map(of).into_iter().collect()
}

/// The last lines that a process said, for a failure's report.
pub(super) fn last_words(folder: &Path, process: &str, most: usize, since: Timestamp) -> Vec<String> {
    let query = Query {
        processes: vec![process.into()],
        tail: Some(most),
        since: Some(since),
        event_bytes: 4096,
        ..Query::default()
    };
    let Ok(mut reader) = Reader::open(folder, query) else { return Vec::new() };
    let mut lines = Vec::new();
    while let Ok(Some(item)) = reader.next() {
        if let Item::Event(event) = item {
            lines.extend(event.lines().map(|line| String::from_utf8_lossy(line).into_owned()));
        }
    }
    lines.split_off(lines.len().saturating_sub(most))
}

/// The time of day, UTC: `HH:MM:SS`.
pub(super) fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(11..19).unwrap_or("--------").to_string()
}

fn json(event: &Event) -> Vec<u8> {
    let value = serde_json::json!({
        "time": event.time.to_string(),
        "process": &*event.process,
        "stream": event.stream.to_string(),
        "message": String::from_utf8_lossy(&event.text),
    });
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn unreadable(error: &ReadError) -> Problem {
    let problem = Problem::error("logs.unreadable", error.to_string());
    problem.hint("`pinch ps` lists the apps; their logs can be read by the user that the keeper runs as")
}
