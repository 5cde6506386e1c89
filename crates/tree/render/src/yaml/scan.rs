//! Events from the scanner, in offsets of the text as it was given.
//!
//! The scanner is libyaml's, in Rust. Three of its habits are kept from the outside: it panics on a block
//! scalar that ends without a line break, panics on a tag directly before a comma, and takes some first
//! bytes for a broken byte order mark. So the text it gets ends in a line break, has a space before such
//! commas, and has no byte order mark; what that changes is undone here.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use libyaml_safer::{Encoding, Event, EventData, Parser, ScalarStyle, Scanner, TokenData};

use super::error::{Part, Stage, YamlError};

const BOM: char = '\u{feff}';

/// The parser over a text, with its positions put right.
pub(super) struct Events<'t> {
    given: &'t str,
    adjusted: Adjusted<'t>,
}

/// An event with the bytes it stands at.
pub(super) struct Placed {
    pub(super) data: EventData,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'t> Events<'t> {
    pub(super) fn new(given: &'t str) -> Result<Self, YamlError> {
        refuse_control_characters(given)?;
        Ok(Self { given, adjusted: Adjusted::new(given) })
    }

    /// Calls `each` with every event; stops at the first error.
    pub(super) fn for_each(
        &self,
        mut each: impl FnMut(Placed) -> Result<(), YamlError>,
    ) -> Result<(), YamlError> {
        let mut parser = Parser::new();
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(Pieces(self.adjusted.text.as_bytes()));
        loop {
            let event = parser.parse().map_err(|error| self.error(&error))?;
            let last = matches!(event.data, EventData::StreamEnd);
            each(self.placed(event))?;
            if last {
                return Ok(());
            }
        }
    }

    fn placed(&self, event: Event) -> Placed {
        let Event { mut data, start_mark, end_mark, .. } = event;
        let (start, end) = (self.offset(start_mark.index), self.offset(end_mark.index));
        if let EventData::Scalar { value, style: ScalarStyle::Literal | ScalarStyle::Folded, .. } = &mut data
        {
            // The mark of a block scalar's end lies before its trailing blank line of spaces.
            let rest = self.given.get(end..).unwrap_or_default();
            if self.adjusted.line_break_added && rest.trim_matches(' ').is_empty() {
                let scalar = self.given.get(start..).unwrap_or_default();
                drop_added_line_break(value, scalar);
            }
        }
        Placed { data, start, end: end.max(start) }
    }

    fn error(&self, error: &libyaml_safer::Error) -> YamlError {
        let stage = match error.kind() {
            libyaml_safer::ErrorKind::Scanner => Stage::Scanner,
            libyaml_safer::ErrorKind::Parser => Stage::Parser,
            libyaml_safer::ErrorKind::Composer => Stage::Composer,
            _ => Stage::Reader,
        };
        let at = error.problem_mark().map_or(0, |mark| self.offset(mark.index));
        let problem = Part { text: error.problem().to_string(), at: at..self.end_of_character(at) };
        let context = error.context().map(|text| {
            let at = error.context_mark().map_or(0, |mark| self.offset(mark.index));
            Part { text: text.to_string(), at: at..self.end_of_character(at) }
        });
        YamlError::new(stage, context, problem)
    }

    /// The offset in the given text of an offset in the adjusted one.
    fn offset(&self, index: u64) -> usize {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let before = self.adjusted.spaces.partition_point(|space| *space < index);
        (index.saturating_sub(before).saturating_add(self.adjusted.skipped)).min(self.given.len())
    }

    fn end_of_character(&self, at: usize) -> usize {
        self.given.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8())
    }
}

/// A text in pieces: the scanner turns each into characters of four bytes before it looks at the first of them.
struct Pieces<'t>(&'t [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        const LONGEST: usize = 4096;
        Ok(self.0.get(..LONGEST).unwrap_or(self.0))
    }

    fn consume(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }
}

/// A text the scanner can be given.
struct Adjusted<'t> {
    text: Cow<'t, str>,
    /// How many bytes of the given text were left out at its start.
    skipped: usize,
    line_break_added: bool,
    /// Where spaces were put in, as offsets in `text`, ascending.
    spaces: Vec<usize>,
}

impl<'t> Adjusted<'t> {
    fn new(given: &'t str) -> Self {
        let rest = given.strip_prefix(BOM).unwrap_or(given);
        let mut adjusted = Self {
            text: Cow::Borrowed(rest),
            skipped: given.len() - rest.len(),
            line_break_added: !rest.ends_with(is_line_break) && !rest.is_empty(),
            spaces: Vec::new(),
        };
        if adjusted.line_break_added {
            adjusted.text.to_mut().push('\n');
        }
        adjusted.part_tags_from_commas();
        adjusted
    }

    /// Puts a space between a tag and a comma that follows it inside a flow collection.
    fn part_tags_from_commas(&mut self) {
        let candidates = commas_after_exclamations(&self.text);
        if candidates.is_empty() {
            return;
        }
        let (spaced, _) = with_spaces(&self.text, candidates.iter().map(|(_, comma)| *comma));
        let (tags, scanned) = flow_tags(&spaced);
        let mut shift = 0;
        let real = candidates.iter().filter_map(|(exclamation, comma)| {
            let next = tags.partition_point(|tag| *tag < exclamation + shift);
            // Behind an error nothing is known, and nothing will be read: there every candidate is kept apart.
            let is_tag =
                tags.get(next).is_some_and(|tag| *tag < comma + shift) || exclamation + shift >= scanned;
            shift += 1;
            is_tag.then_some(*comma)
        });
        let (text, spaces) = with_spaces(&self.text, real);
        if !spaces.is_empty() {
            self.text = Cow::Owned(text);
            self.spaces = spaces;
        }
    }
}

/// Pairs of (exclamation mark, comma) that would be a tag and a comma if they stood at a node's start.
fn commas_after_exclamations(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('!').map(|offset| from + offset) {
        let verbatim = bytes.get(at + 1) == Some(&b'<');
        let mut end = at + 1 + usize::from(verbatim);
        while bytes.get(end).is_some_and(|byte| is_tag_byte(*byte) || verbatim && b",[]".contains(byte)) {
            end += 1;
        }
        let comma = if verbatim { end + 1 } else { end };
        let closed = !verbatim || bytes.get(end) == Some(&b'>');
        if closed && bytes.get(comma) == Some(&b',') {
            found.push((at, comma));
        }
        // What follows an exclamation mark in this run shares its comma, unless it is verbatim.
        let verbatim_next =
            end > at + 1 && bytes.get(end) == Some(&b'<') && bytes.get(end - 1) == Some(&b'!');
        from = if verbatim_next { end - 1 } else { end };
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
    found
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$.%!~*'()".contains(&byte)
}

/// Where tags inside flow collections start, ascending, and how far the text could be scanned: tokens come in
/// bundles, so an error hides the tags shortly before it.
fn flow_tags(text: &str) -> (Vec<usize>, usize) {
    let mut bytes = text.as_bytes();
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input(&mut bytes);
    let mut depth = 0usize;
    let mut tags = Vec::new();
    let mut scanned = 0;
    for token in scanner {
        let Ok(token) = token else { return (tags, scanned) };
        scanned = usize::try_from(token.end_mark.index).unwrap_or(usize::MAX);
        match token.data {
            TokenData::FlowSequenceStart | TokenData::FlowMappingStart => depth += 1,
            TokenData::FlowSequenceEnd | TokenData::FlowMappingEnd => depth = depth.saturating_sub(1),
            TokenData::Tag { .. } if depth > 0 => {
                tags.push(usize::try_from(token.start_mark.index).unwrap_or(usize::MAX));
            }
            _ => {}
        }
        if depth > super::compose::MAX_DEPTH {
            return (tags, scanned);
        }
    }
    (tags, usize::MAX)
}

/// The text with a space before each of the commas, and where those spaces then stand.
fn with_spaces(text: &str, commas: impl Iterator<Item = usize>) -> (String, Vec<usize>) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut spaces = Vec::new();
    let mut from = 0;
    for comma in commas {
        out.push_str(&text[from..comma]);
        spaces.push(out.len());
        out.push(' ');
        from = comma;
    }
    out.push_str(&text[from..]);
    (out, spaces)
}

/// Takes away the line break that a block scalar at the very end has only because one was added.
fn drop_added_line_break(value: &mut String, scalar: &str) {
    if !value.ends_with('\n') {
        return;
    }
    let header = scalar.split(is_line_break).next().unwrap_or_default();
    let keeps_all = header.bytes().take(3).any(|byte| byte == b'+');
    if keeps_all || last_line_is_content(value, scalar) {
        value.pop();
    }
}

/// Whether the last line belongs to the content: it says something, or has more spaces than the indent.
fn last_line_is_content(value: &str, scalar: &str) -> bool {
    let last = scalar.rsplit(is_line_break).next().unwrap_or_default();
    if last.contains(|c| c != ' ') {
        return true;
    }
    let spaces = |line: &str| line.bytes().take_while(|byte| *byte == b' ').count();
    let says_something = |line: &&str| line.contains(|c| c != ' ');
    let raw = scalar.split(is_line_break).skip(1).find(says_something).map(spaces);
    let kept = value.split(is_line_break).find(says_something).map(spaces);
    match (raw, kept) {
        (Some(raw), Some(kept)) => last.len() > raw.saturating_sub(kept),
        _ => true,
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// YAML 1.1 knows no control characters but tab, line feed, carriage return and NEL.
fn refuse_control_characters(text: &str) -> Result<(), YamlError> {
    let allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || c >= '\u{10000}'
    };
    if text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return Ok(());
    }
    match text.char_indices().enumerate().find(|(_, (_, c))| !allowed(*c)) {
        None => Ok(()),
        Some((position, (at, c))) => Err(YamlError::control_character(c, position, at..at + c.len_utf8())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let _ = Events::new(text).and_then(|events| {
            events.for_each(|event| {
                if let EventData::Scalar { value, .. } = event.data {
                    found.push(value);
                }
                Ok(())
            })
        });
        found
    }

    #[test]
    fn tags_before_commas_do_not_panic_before_an_error() {
        for text in ["{ b?c, d e: !,!#} ", "[!,!#]", "[!a,!#,!b,]", "{!!int,!<x>,\"!,", "[é, !,!#]"] {
            scalars(text);
        }
    }

    #[test]
    fn block_scalars_at_the_end_gain_nothing() {
        let cases = [
            ("a: |\n  x", "x"),
            ("a: |\n  x\n  ", "x\n"),
            ("a: |\n  x\n    ", "x\n  "),
            ("a: |+\n  x\n ", "x\n"),
            ("a: |-\n  x", "x"),
            ("a: >\n  x\n  y", "x y"),
            ("a: |\n  x\n", "x\n"),
            ("a: |\n  x\n# c", "x\n"),
            ("a: |", ""),
            ("a: |+\n", ""),
        ];
        for (text, value) in cases {
            assert_eq!(scalars(text)[1], value, "{text:?}");
        }
    }

    #[test]
    fn tags_before_commas_do_not_stop_the_scanner() {
        assert_eq!(scalars("[!!str, x, 'y!z,', !<a,b>, w]"), ["", "x", "y!z,", "", "w"]);
        assert_eq!(scalars("a: hello!, you\nb: [!,'!', w]"), ["a", "hello!, you", "b", "", "!", "w"]);
    }

    #[test]
    fn positions_are_those_of_the_given_text() {
        let text = "\u{feff}é: [!!str, xy]\n";
        let mut found = None;
        Events::new(text)
            .unwrap()
            .for_each(|event| {
                if matches!(&event.data, EventData::Scalar { value, .. } if value == "xy") {
                    found = Some(event.start..event.end);
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(&text[found.unwrap()], "xy");
    }
}
