//! What a template prints.

use value::Span;

use crate::program::Literal;
use crate::source_map::Run;

/// Text with the places it came from.
#[derive(Clone, Default)]
pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) runs: Vec<Run>,
    /// Captured text becomes a value, which has no places.
    mapped: bool,
}

impl Output {
    /// Text whose places are kept.
    pub(crate) fn mapped() -> Self {
        Self { mapped: true, ..Self::default() }
    }

    /// The same, with room for what a template's own text takes.
    pub(crate) fn with_room_for(literals: &[Literal]) -> Self {
        let text = literals.iter().map(|literal| literal.text.len()).sum::<usize>();
        // What stands between two literals prints as much as a word, mostly.
        let room = text + literals.len() * 16;
        Self {
            text: String::with_capacity(room),
            runs: Vec::with_capacity(literals.len() * 2 + 1),
            mapped: true,
        }
    }

    /// Says where the text to come is from.
    pub(crate) fn begin(&mut self, span: Span, literal: bool) {
        if !self.mapped {
            return;
        }
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let run = Run { start, span, literal };
        match self.runs.last_mut() {
            // What came before printed nothing.
            Some(last) if last.start == start => *last = run,
            _ => self.runs.push(run),
        }
    }

    /// Adds what another template has printed.
    pub(crate) fn append(&mut self, other: &Self) {
        if self.mapped {
            let shift = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            let shifted = other.runs.iter().map(|run| Run { start: run.start.saturating_add(shift), ..*run });
            self.runs.extend(shifted);
        }
        self.text.push_str(&other.text);
    }
}
