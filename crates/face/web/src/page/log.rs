//! Log lines as HTML.

use logs::{Event, Gap, GapCause, Item, Stream};
use maud::{Markup, html};

use super::{text, words};
use crate::readable::readable;

/// Writes items of a log one after the other, and the day where it changes.
#[derive(Debug, Default)]
pub(crate) struct LogWriter {
    day: String,
}

/// What is said about the log itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// More is written than can be shown.
    Flood,
    /// It cannot be read, and why.
    Unreadable(String),
}

impl LogWriter {
    pub(crate) fn item(&mut self, item: &Item) -> Markup {
        match item {
            Item::Event(event) => self.event(event),
            Item::Gap(gap) => note(&said_of(gap)),
        }
    }

    pub(crate) fn note(note_: &Note) -> Markup {
        match note_ {
            Note::Flood => note("Lines come faster than a page can show them: these are the newest."),
            Note::Unreadable(why) => note(why),
        }
    }

    fn event(&mut self, event: &Event) -> Markup {
        let time = event.time.to_string();
        let day = &time[..10];
        let new_day = day != self.day;
        if new_day {
            self.day = day.to_owned();
        }
        let stderr = event.stream == Stream::Stderr;
        html! {
            @if new_day { li class="day" { time datetime=(day) { (day) } " UTC" } }
            li class=[stderr.then_some("stderr")] {
                time datetime=(time) { (&time[11..23]) } " "
                span class="process" { (text(&event.process)) } " "
                @if stderr { span class="tag" { "err" } " " }
                @if event.foreign { span class="tag" { "not a record" } " " }
                @if event.continues { span class="cut" { "… " } }
                span class="text" { (readable(&event.text)) }
                @if event.unfinished { span class="cut" { " …" } }
                @if event.cut > 0 { span class="cut" { " (" (words::counted(event.cut, "byte", "bytes")) " more)" } }
            }
        }
    }
}

fn note(text_: &str) -> Markup {
    html! { li class="note" { (text(text_)) } }
}

fn said_of(gap: &Gap) -> String {
    let what = match (gap.records, gap.bytes) {
        (Some(records), _) => words::counted(records, "record", "records"),
        (None, Some(bytes)) => words::counted(bytes, "byte", "bytes"),
        (None, None) => "a part".into(),
    };
    let process = &gap.process;
    match &gap.cause {
        GapCause::Rotated => {
            format!("{process}: {what} of the log left with rotation before it could be read.")
        }
        GapCause::Removed => format!("{process}: {what} of the log removed by somebody."),
        GapCause::Damaged(why) => format!("{process}: {what} of the log cannot be read: {why}"),
    }
}
