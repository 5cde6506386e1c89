//! Texts of nothing but block collections and one-line scalars, read without the scanner.
//!
//! Nearly all that a tree holds is that. [`read`] gives the value that scanning, composing and constructing would
//! give, place for place, in one pass at a fraction of their cost, and gives up at the first sign of anything
//! else: flow collections, block scalars, scalars of several lines, anchors, tags, escapes, documents, tabs, merge
//! keys, and whatever is wrong. So the scanner has the word on all that is difficult, and on every error.

use value::{Data, Key, Map, Span, Value};

use super::Places;
use super::compose::MAX_DEPTH;
use super::construct::{MAX_VALUES, Words, implicit, key_of, python_equal};
use super::schema::{self, Tag};

/// The value of a text; `None` when it has to be read by the scanner.
pub(super) fn read(text: &str, places: &impl Places) -> Option<Value> {
    // Looked through to the end without a branch: nearly all texts are plain.
    let is_plain = |byte| matches!(byte, b'\n' | b' '..=b'~');
    if !text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) && !text.chars().all(is_ordinary) {
        return None;
    }
    let mut reader = Reader {
        places,
        levels: Vec::new(),
        entries: Vec::new(),
        items: Vec::new(),
        words: Words::default(),
        values: 0,
        root: None,
    };
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        // Of all white space only blanks can be here.
        let filled = rest[..end].trim_ascii_end();
        let content = filled.trim_ascii_start();
        if !content.is_empty() && !content.starts_with('#') {
            reader.line(content, start, filled.len() - content.len())?;
        }
        start += end + 1;
    }
    while !reader.levels.is_empty() {
        reader.close(text.len())?;
    }
    Some(reader.root.unwrap_or_default())
}

/// Characters without a meaning of their own to the scanner: no tabs, no byte order marks, one kind of line break.
fn is_ordinary(c: char) -> bool {
    matches!(
        c,
        '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..
    )
}

struct Reader<'p, P> {
    places: &'p P,
    /// The collections that are open, outermost first.
    levels: Vec<Level>,
    /// What the open mappings hold so far, those of the outermost first.
    entries: Vec<(Key, Span, Value)>,
    /// What the open sequences hold so far.
    items: Vec<Value>,
    words: Words,
    /// How many values and keys were read.
    values: usize,
    root: Option<Value>,
}

struct Level {
    kind: Kind,
    /// Where in their lines its keys or dashes stand.
    column: usize,
    /// Where it begins in the text.
    start: usize,
    /// Where among the entries or items its own begin.
    first: usize,
    /// The key whose value comes next.
    key: Option<(Key, Span)>,
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

impl<P: Places> Reader<'_, P> {
    /// Takes in what stands in a line that begins at byte `start`, from `column` on.
    fn line(&mut self, mut content: &str, start: usize, mut column: usize) -> Option<()> {
        while self.levels.last().is_some_and(|level| level.column > column) {
            self.close(start + column)?;
        }
        let mut behind_dash = false;
        while let Some(entry) =
            content.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            self.dash(start + column, column)?;
            let inner = entry.trim_ascii_start();
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
            return behind_dash.then(|| self.fill(&scalar, start + column)).flatten();
        };
        self.key(&scalar, start + column, column, start + column + content.len() - value.len())?;
        let inner = value.trim_ascii_start();
        if inner.is_empty() || inner.starts_with('#') {
            return Some(());
        }
        let value = Scalar::read(inner).filter(|value| !value.rest.starts_with(':'))?;
        self.fill(&value, start + column + content.len() - inner.len())
    }

    /// A dash: the next entry of a sequence, or the first one of a new sequence.
    fn dash(&mut self, at: usize, column: usize) -> Option<()> {
        match self.levels.last() {
            Some(Level { kind: Kind::Sequence | Kind::Indentless, column: same, .. }) if *same == column => {
                self.fill_with_nothing()?;
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
    fn key(&mut self, key: &Scalar<'_>, at: usize, column: usize, end: usize) -> Option<()> {
        const LONGEST: usize = 1000;
        let here = |level: &&Level| level.column == column;
        if self.levels.last().filter(here).is_some_and(|level| level.kind == Kind::Indentless) {
            self.close(at)?;
        }
        match self.levels.last().filter(here).map(|level| level.kind) {
            Some(Kind::Mapping) => self.fill_with_nothing()?,
            Some(Kind::Sequence | Kind::Indentless) => return None,
            None => self.open(Kind::Mapping, at, column)?,
        }
        if end - at > LONGEST {
            return None;
        }
        let span = self.span(at, at + key.length);
        let key = key_of(self.data(&key.tag, key.text)?)?;
        let level = self.levels.last_mut()?;
        level.key = Some((key, span));
        level.awaits = Some(end);
        Some(())
    }

    /// Opens a collection where one may stand: as the root, or where something is awaited.
    fn open(&mut self, kind: Kind, start: usize, column: usize) -> Option<()> {
        match self.levels.last_mut() {
            Some(level) => drop(level.awaits.take()?),
            None if self.root.is_some() => return None,
            None => {}
        }
        if self.levels.len() >= MAX_DEPTH {
            return None;
        }
        self.count()?;
        let first = if kind == Kind::Mapping { self.entries.len() } else { self.items.len() };
        self.levels.push(Level { kind, column, start, first, key: None, awaits: None });
        Some(())
    }

    /// Closes the innermost collection; it ends at `end`.
    fn close(&mut self, end: usize) -> Option<()> {
        self.fill_with_nothing()?;
        let level = self.levels.pop()?;
        let data = match level.kind {
            Kind::Mapping => {
                let mut map = Map::with_capacity(self.entries.len() - level.first);
                for (key, span, value) in self.entries.drain(level.first..) {
                    let is_text = matches!(key, Key::Str(_));
                    if !is_text && python_equal(&map, &key).is_some() {
                        return None;
                    }
                    if map.insert_at(key, span, value).is_some() {
                        return None;
                    }
                }
                Data::Map(map)
            }
            Kind::Sequence | Kind::Indentless => Data::List(self.items.drain(level.first..).collect()),
        };
        let span = self.span(level.start, end.max(level.start));
        self.place(Value { data, span })
    }

    /// What is awaited.
    fn fill(&mut self, scalar: &Scalar<'_>, at: usize) -> Option<()> {
        self.levels.last_mut()?.awaits.take()?;
        let (data, span) = (self.data(&scalar.tag, scalar.text)?, self.span(at, at + scalar.length));
        self.place(Value { data, span })
    }

    /// An empty scalar, where something was awaited and has not come.
    fn fill_with_nothing(&mut self) -> Option<()> {
        let Some(end) = self.levels.last_mut().and_then(|level| level.awaits.take()) else { return Some(()) };
        self.count()?;
        let span = self.span(end, end);
        self.place(Value { data: Data::Null, span })
    }

    /// Puts a value where the next one belongs.
    fn place(&mut self, value: Value) -> Option<()> {
        match self.levels.last_mut() {
            None => self.root = Some(value),
            Some(level) if level.kind == Kind::Mapping => {
                let (key, span) = level.key.take()?;
                self.entries.push((key, span, value));
            }
            Some(_) => self.items.push(value),
        }
        Some(())
    }

    fn data(&mut self, tag: &Tag, text: &str) -> Option<Data> {
        self.count()?;
        match tag {
            Tag::Str | Tag::Timestamp => Some(Data::Str(self.words.shared(text))),
            tag => implicit(tag, text),
        }
    }

    fn count(&mut self) -> Option<()> {
        self.values += 1;
        (self.values <= MAX_VALUES).then_some(())
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.places.span(start..end)
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
        let rest = behind.trim_ascii_start();
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
        let scalar = text[..end].trim_ascii_end();
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

    use value::SourceId;

    use super::super::{PlainText, load_by_scanner};
    use super::*;

    /// Whether it was read here; if so, as the scanner reads it.
    fn reads_alike(text: &str) -> bool {
        let places = PlainText(SourceId(1));
        let Some(here) = read(text, &places) else { return false };
        match load_by_scanner(text, &places) {
            Ok(there) => {
                assert_eq!(here.span, there.span, "{text:?}");
                assert_eq!(told(&here), told(&there), "{text:?}");
            }
            Err(error) => panic!("{text:?} is read, but: {error}"),
        }
        true
    }

    /// A value with all its places.
    fn told(value: &Value) -> String {
        let Span { start, end, .. } = value.span;
        let inner = match &value.data {
            Data::List(items) => items.iter().map(|item| told(item) + ",").collect(),
            Data::Map(map) => {
                let entry = |(key, entry): (&Key, &value::Entry)| {
                    format!(
                        "{key:?}@{}-{}: {},",
                        entry.key_span.start,
                        entry.key_span.end,
                        told(&entry.value)
                    )
                };
                map.entries().map(entry).collect()
            }
            scalar => format!("{scalar:?}"),
        };
        format!("[{inner}]@{start}-{end}")
    }

    #[test]
    fn simple_texts_are_read_without_the_scanner() {
        let texts = [
            "",
            "# nothing\n\n   # at all\n",
            "a: 1",
            "a: b c  # d\n'e f' : \"g: #h\"\n\"i\": ''\n",
            "a:\n  - b\n  -\n  - c: d\n    e:\n  - - f\n    - g\n\nh:\n- i\n-\n-  j: k\n   l: m\nn:\n",
            "-\n  -\n   - a\n  - b: c#d\n-\n  e: f\n  # g\n\n- <: x\n-   \n",
            "  a:   \n    b: -1\n    c: 'd' # e\n  f: é\n",
            "nginx:\n  pkg.installed: # a\n    - name: nginx\n    - require:\n      - file: /etc/x\n",
            "a:\n- b\n\n# c\n",
            "5: 2\n1.5: 0x1f\n~: 0644\nyes: 2020-01-02\n-3: .inf\n\"4\": 12345678901234567890\n",
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
            "a: b\na: c",
            "1: b\n1.0: c",
            "<<: b",
            "a: =",
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
