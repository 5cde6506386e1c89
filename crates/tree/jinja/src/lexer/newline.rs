//! Newlines: every `\r\n` and `\r` becomes `\n`, and the way back is kept.

use std::borrow::Cow;

use crate::ast::Place;

/// A text with `\n` newlines only.
pub(crate) struct Normalized<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Offsets in the new text before which one byte was dropped.
    dropped: Vec<u32>,
}

impl<'a> Normalized<'a> {
    /// Normalizes the newlines; without `keep_trailing_newline` the one at the end is dropped.
    pub(crate) fn new(source: &'a str, keep_trailing_newline: bool) -> Self {
        let mut dropped = Vec::new();
        let mut text = if source.contains('\r') {
            let mut out = String::with_capacity(source.len());
            let mut rest = source;
            while let Some(at) = rest.find('\r') {
                let (before, after) = rest.split_at(at);
                out.push_str(before);
                rest = after.strip_prefix('\r').unwrap_or_default();
                if rest.starts_with('\n') {
                    dropped.push(u32::try_from(out.len()).unwrap_or(u32::MAX));
                } else {
                    out.push('\n');
                }
            }
            out.push_str(rest);
            Cow::Owned(out)
        } else {
            Cow::Borrowed(source)
        };
        if !keep_trailing_newline && text.ends_with('\n') {
            match &mut text {
                Cow::Owned(text) => {
                    text.pop();
                }
                Cow::Borrowed(text) => *text = text.strip_suffix('\n').unwrap_or(text),
            }
        }
        Self { text, dropped }
    }

    /// Whether nothing was dropped, so that places need no way back.
    pub(crate) fn is_exact(&self) -> bool {
        self.dropped.is_empty()
    }

    /// The place in the source that a place in the new text came from.
    pub(crate) fn original(&self, place: Place) -> Place {
        let back = |offset: u32| {
            offset.saturating_add(self.dropped.partition_point(|dropped| *dropped < offset) as u32)
        };
        Place { start: back(place.start), end: back(place.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_the_source() {
        let source = "a\r\nbc\r\nd\re\n";
        let normalized = Normalized::new(source, false);
        assert_eq!(normalized.text, "a\nbc\nd\ne");
        let at = |part: &str| {
            let start = normalized.text.find(part).unwrap();
            let place = normalized.original(Place::new(start, start + part.len()));
            source[place.start as usize..place.end as usize].to_string()
        };
        assert_eq!(at("bc"), "bc");
        assert_eq!(at("d"), "d");
        assert_eq!(at("e"), "e");
    }
}
