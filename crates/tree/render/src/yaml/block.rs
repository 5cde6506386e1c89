//! Texts of nothing but block collections and one-line scalars, read without the scanner.
//!
//! Nearly all that a tree holds is that. [`read`] gives the nodes that the scanner's events would give, place
//! for place, at a fraction of their cost, and gives up at the first sign of anything else: flow collections, block
//! scalars, scalars of several lines, anchors, tags, escapes, documents, tabs, and whatever is wrong. So
//! the scanner has the word on all that is difficult, and on every error.

use std::borrow::Cow;

use super::compose::{Composer, Content, Document};
use super::schema::{self, Tag};

/// The nodes of a text; `None` when it has to be read by the scanner.
pub(super) fn read(text: &str) -> Option<Document<'_>> {
    let is_plain = |byte| matches!(byte, b'\n' | b' '..=b'~');
    if !text.bytes().all(is_plain) && !text.chars().all(is_ordinary) {
        return None;
    }
    let mut reader = Reader { composer: Composer::default(), levels: Vec::new() };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let filled = line.trim_end_matches(['\n', ' ']);
        let content = filled.trim_start_matches(' ');
        if !content.is_empty() && !content.starts_with('#') {
            reader.line(content, start, filled.len() - content.len())?;
        }
        start += line.len();
    }
    while !reader.levels.is_empty() {
        reader.close(text.len());
    }
    Some(reader.composer.document)
}

/// Characters without a meaning of their own to the scanner: no tabs, no byte order marks, one kind of line break.
fn is_ordinary(c: char) -> bool {
    matches!(
        c,
        '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..
    )
}

struct Reader<'t> {
    composer: Composer<'t>,
    /// The collections that are open, outermost first.
    levels: Vec<Level>,
}

struct Level {
    kind: Kind,
    /// Where in their lines its keys or dashes stand.
    column: usize,
    /// The end of a `:` or `-` that nothing has followed yet.
    awaits: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mapping,
    Sequence,
    /// A sequence whose dashes stand right below the key it belongs to.
    Indentless,
}

/// A scalar at the start of a text.
struct Scalar<'t> {
    tag: Tag,
    text: &'t str,
    /// How many bytes it takes, quotes included.
    length: usize,
    /// What stands behind it and the blanks after it: nothing, a comment, or a colon.
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Takes in what stands in a line that begins at byte `start`, from `column` on.
    fn line(&mut self, mut content: &'t str, start: usize, mut column: usize) -> Option<()> {
        while self.levels.last().is_some_and(|level| level.column > column) {
            self.close(start + column);
        }
        let mut behind_dash = false;
        while let Some(entry) =
            content.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            self.dash(start + column, column)?;
            let inner = entry.trim_start_matches(' ');
            if inner.is_empty() || inner.starts_with('#') {
                return Some(());
            }
            column += content.len() - inner.len();
            content = inner;
            behind_dash = true;
        }
        let scalar = Scalar::read(content)?;
        let Some(value) = scalar.rest.strip_prefix(':') else {
            // A scalar in a line of its own belongs to the line above, or nowhere.
            return behind_dash.then(|| self.fill(scalar, start + column)).flatten();
        };
        self.key(scalar, start + column, column, start + column + content.len() - value.len())?;
        let inner = value.trim_start_matches(' ');
        if inner.is_empty() || inner.starts_with('#') {
            return Some(());
        }
        let value = Scalar::read(inner).filter(|value| !value.rest.starts_with(':'))?;
        self.fill(value, start + column + content.len() - inner.len())
    }

    /// A dash: the next entry of a sequence, or the first one of a new sequence.
    fn dash(&mut self, at: usize, column: usize) -> Option<()> {
        match self.levels.last() {
            Some(Level { kind: Kind::Sequence | Kind::Indentless, column: same, .. }) if *same == column => {
                self.fill_with_nothing();
            }
            Some(Level { kind: Kind::Mapping, column: same, .. }) if *same == column => {
                self.open(Kind::Indentless, at, column)?;
            }
            _ => self.open(Kind::Sequence, at, column)?,
        }
        self.levels.last_mut()?.awaits = Some(at + 1);
        Some(())
    }

    /// A key: the next one of a mapping, or the first one of a new mapping. Its colon ends at `end`.
    fn key(&mut self, key: Scalar<'t>, at: usize, column: usize, end: usize) -> Option<()> {
        const LONGEST: usize = 1000;
        let here = |level: &&Level| level.column == column;
        if self.levels.last().filter(here).is_some_and(|level| level.kind == Kind::Indentless) {
            self.close(at);
        }
        match self.levels.last().filter(here).map(|level| level.kind) {
            Some(Kind::Mapping) => self.fill_with_nothing(),
            Some(Kind::Sequence | Kind::Indentless) => return None,
            None => self.open(Kind::Mapping, at, column)?,
        }
        if end - at > LONGEST {
            return None;
        }
        self.place(key.tag, key.text, at, at + key.length);
        self.levels.last_mut()?.awaits = Some(end);
        Some(())
    }

    /// Opens a collection where one may stand: as the root, or where something is awaited.
    fn open(&mut self, kind: Kind, at: usize, column: usize) -> Option<()> {
        match self.levels.last_mut() {
            Some(level) => drop(level.awaits.take()?),
            None if self.composer.document.root.is_some() => return None,
            None => {}
        }
        let (tag, content) = match kind {
            Kind::Mapping => (Tag::Map, Content::Mapping(Vec::new())),
            Kind::Sequence | Kind::Indentless => (Tag::Seq, Content::Sequence(Vec::new())),
        };
        self.composer.open(tag, content, at..at, None).ok()?;
        self.levels.push(Level { kind, column, awaits: None });
        Some(())
    }

    fn close(&mut self, at: usize) {
        self.fill_with_nothing();
        self.levels.pop();
        self.composer.close(at);
    }

    /// What is awaited.
    fn fill(&mut self, scalar: Scalar<'t>, at: usize) -> Option<()> {
        self.levels.last_mut()?.awaits.take()?;
        self.place(scalar.tag, scalar.text, at, at + scalar.length);
        Some(())
    }

    /// An empty scalar, where something was awaited and has not come.
    fn fill_with_nothing(&mut self) {
        if let Some(end) = self.levels.last_mut().and_then(|level| level.awaits.take()) {
            self.place(Tag::Null, "", end, end);
        }
    }

    fn place(&mut self, tag: Tag, text: &'t str, start: usize, end: usize) {
        let node = self.composer.push(tag, Content::Scalar(Cow::Borrowed(text)), start..end);
        self.composer.place(node);
    }
}

impl<'t> Scalar<'t> {
    /// The scalar that a text without blanks at its ends begins with.
    fn read(text: &'t str) -> Option<Self> {
        let (scalar, length) = match text.as_bytes().first()? {
            b'\'' => quoted(text, '\'', |inner, end| !inner[end + 1..].starts_with('\''))?,
            b'"' => quoted(text, '"', |inner, end| !inner[..end].contains('\\'))?,
            b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>'
            | b'%' | b'@' | b'`' => return None,
            _ => return Self::plain(text),
        };
        let behind = &text[length..];
        let rest = behind.trim_start_matches(' ');
        let is_comment = rest.starts_with('#') && behind.starts_with(' ');
        let is_end = rest.is_empty() || is_comment || rest == ":" || rest.starts_with(": ");
        is_end.then_some(Self { tag: Tag::Str, text: scalar, length, rest })
    }

    fn plain(text: &'t str) -> Option<Self> {
        if text == "-" || ["- ", "---", "..."].iter().any(|start| text.starts_with(start)) {
            return None;
        }
        let bytes = text.as_bytes();
        let ends = |(at, byte): (usize, &u8)| match byte {
            b':' => matches!(bytes.get(at + 1), None | Some(b' ')),
            b'#' => at > 0 && bytes.get(at - 1) == Some(&b' '),
            _ => false,
        };
        let end = bytes.iter().enumerate().position(ends).unwrap_or(text.len());
        let scalar = text[..end].trim_end_matches(' ');
        Some(Self { tag: schema::resolve(scalar), text: scalar, length: scalar.len(), rest: &text[end..] })
    }
}

/// What stands between the quotes a text begins with, and its length with them, if that is all there is to it.
fn quoted(text: &str, quote: char, is_simple: impl Fn(&str, usize) -> bool) -> Option<(&str, usize)> {
    let inner = text.get(1..)?;
    let end = inner.find(quote)?;
    is_simple(inner, end).then(|| (&inner[..end], end + 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::compose::compose_from_events;
    use super::*;

    /// Whether it was read here; if so, as the scanner reads it.
    fn reads_alike(text: &str) -> bool {
        let Some(here) = read(text) else { return false };
        match compose_from_events(text) {
            Ok(there) => {
                assert_eq!(here.nodes, there.nodes, "{text:?}");
                assert_eq!(here.root, there.root, "{text:?}");
            }
            Err(error) => panic!("{text:?} is read, but: {error}"),
        }
        true
    }

    #[test]
    fn simple_texts_are_read_without_the_scanner() {
        let texts = [
            "",
            "# nothing\n\n   # at all\n",
            "a: 1",
            "a: b c  # d\n'e f' : \"g: #h\"\n\"i\": ''\n",
            "a:\n  - b\n  -\n  - c: d\n    e:\n  - - f\n    - g\n\nh:\n- i\n-\n-  j: k\n   l: m\nn:\n",
            "-\n  -\n   - a\n  - b: c#d\n-\n  e: f\n  # g\n\n- <<: x\n-   \n",
            "  a:   \n    b: -1\n    c: 'd' # e\n  f: é\n",
            "nginx:\n  pkg.installed: # a\n    - name: nginx\n    - require:\n      - file: /etc/x\n",
            "a:\n- b\n\n# c\n",
        ];
        for text in texts {
            assert!(reads_alike(text), "{text:?}");
        }
    }

    #[test]
    fn the_scanner_has_the_word_on_everything_else() {
        let texts = [
            "a",
            "- a\n  b",
            "a: b\n  c",
            "a:\n  b",
            "a: b: c",
            "a: 'b\n  c'",
            "a: 'b''c'",
            "a: \"b\\n\"",
            "a: 'b' c",
            "a: 'b'#c",
            "a: [b]",
            "a: |\n  b",
            "a: - b",
            "- a\nb: c",
            "a: b\n- c",
            "  a: b\nc: d",
            "a:\n    b: c\n  d: e",
            "a:\tb",
            "a: b\r\n",
            "a: &b c",
            "---\na: b",
            "a: b\n...\n",
            "? a",
            "a: b\u{2028}c",
            "-a: b\n--- c",
        ];
        for text in texts {
            assert!(!reads_alike(text), "{text:?}");
        }
    }

    fn indent() -> impl Strategy<Value = String> {
        select(vec![0, 0, 0, 2, 2, 2, 4, 4, 1, 3]).prop_map(|width| " ".repeat(width))
    }

    fn piece() -> impl Strategy<Value = &'static str> {
        select(vec![
            "- ", "- ", "- ", "-", "a: ", "b: ", "c:", "c:", "d", "e f", "1", "~", "'g'", "\"h\"", "'i': ",
            "\"j k\":", " ", "   ", " # l", "#m", ": ", ":", "n:o", "p#q", "<<: ", "''", "'", "\"", "---",
            "...", "? ", "|", "[r]", "{}", "&s ", "*s", "!t ", "é", "-u", "\\", ",", "%", "=", "yes", "0644",
        ])
    }

    fn line() -> impl Strategy<Value = String> {
        (indent(), prop::collection::vec(piece(), 0..4))
            .prop_map(|(indent, pieces)| indent + &pieces.concat())
    }

    /// Lines that nearly always are plain block YAML, so that deep texts come about too.
    fn tidy_line() -> impl Strategy<Value = String> {
        let content = select(vec![
            "a:",
            "b: c",
            "- d",
            "- e: f",
            "- g:",
            "-",
            "- - h",
            "- - i: j",
            "",
            "# k",
            "'l': \"m\"",
            "n: 1 # o",
            "p:   ",
            "- ''",
        ]);
        (0..5usize, content).prop_map(|(depth, content)| "  ".repeat(depth) + content)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_is_what_the_scanner_reads(lines in prop::collection::vec(line(), 0..7), end in any::<bool>()) {
            reads_alike(&(lines.join("\n") + if end { "\n" } else { "" }));
        }

        #[test]
        fn deep_texts_are_read_alike(lines in prop::collection::vec(tidy_line(), 0..12)) {
            reads_alike(&lines.join("\n"));
        }
    }
}
