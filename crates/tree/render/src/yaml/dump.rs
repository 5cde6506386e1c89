//! Values to YAML, as PyYAML's `safe_dump` writes them with Salt's settings.

use base64::Engine as _;
use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};
use value::{Data, Key, Value};

use super::compose::MAX_DEPTH;
use super::schema::{self, Tag};

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpStyle {
    /// `Some(true)`: everything on one line where it fits. `Some(false)`: every collection over several
    /// lines. `None`: only collections of scalars on one line. (`default_flow_style`.)
    pub flow: Option<bool>,
    /// Sort the keys of every mapping, as Salt's outputter and filter do with plain dicts.
    pub sort_keys: bool,
    /// Spaces a level; libyaml takes 2 to 9 and reads others as 2.
    pub indent: u8,
    /// Where long lines are folded; PyYAML's default is 80.
    pub width: u16,
}

impl DumpStyle {
    /// Every collection over several lines, keys sorted: `--out yaml`, `|yaml(False)`.
    pub const fn block() -> Self {
        Self { flow: Some(false), sort_keys: true, indent: 2, width: 80 }
    }

    /// Everything in braces and brackets, keys sorted: `|yaml`.
    pub const fn flow() -> Self {
        Self { flow: Some(true), ..Self::block() }
    }

    /// Collections of scalars in braces and brackets, others over several lines: `file.serialize`.
    pub const fn mixed() -> Self {
        Self { flow: None, ..Self::block() }
    }

    /// The same, with keys in the order they came.
    pub const fn unsorted(self) -> Self {
        Self { sort_keys: false, ..self }
    }
}

/// The value as a YAML document with a line break at its end; a bare scalar ends in `...`, as PyYAML's does.
/// What lies deeper than 200 levels is left out.
pub fn dump(value: &Value, style: &DumpStyle) -> String {
    let mut events = Vec::new();
    Writer { style, events: &mut events }.value(value, 0);
    emit(events, style)
}

/// The text of the one document that the events are.
fn emit(document: Vec<Event>, style: &DumpStyle) -> String {
    let start = [Event::stream_start(Encoding::Utf8), Event::document_start(None, &[], true)];
    let end = [Event::document_end(true), Event::stream_end()];
    let mut bytes = Vec::new();
    let mut emitter = Emitter::new();
    emitter.set_output_string(&mut bytes);
    emitter.set_unicode(true);
    emitter.set_indent(i32::from(style.indent));
    emitter.set_width(i32::from(style.width));
    for event in start.into_iter().chain(document).chain(end) {
        // The emitter fails only on events out of order and on writing, neither of which can happen here.
        if emitter.emit(event).is_err() {
            break;
        }
    }
    drop(emitter);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text as a double-quoted scalar on one line.
pub(crate) fn dump_double_quoted(text: &str, style: &DumpStyle) -> String {
    let scalar = Event::scalar(None, Some(&Tag::Str.name()), text, false, true, ScalarStyle::DoubleQuoted);
    let mut written = emit(vec![scalar], style);
    written.truncate(written.trim_end().len());
    written
}

struct Writer<'e> {
    style: &'e DumpStyle,
    events: &'e mut Vec<Event>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return self.scalar(Tag::Null, "null");
        }
        match &value.data {
            Data::Null => self.scalar(Tag::Null, "null"),
            Data::Bool(flag) => self.boolean(*flag),
            Data::Int(number) => self.scalar(Tag::Int, &number.to_string()),
            Data::Big(number) => self.scalar(Tag::Int, &number.to_string()),
            Data::Float(number) => self.scalar(Tag::Float, &float_text(*number)),
            Data::Str(text) => self.scalar(Tag::Str, text),
            Data::Bytes(bytes) => self.bytes(bytes),
            Data::List(items) => {
                let flow = self.style.flow.unwrap_or_else(|| items.iter().all(is_plain_scalar));
                let style = if flow { SequenceStyle::Flow } else { SequenceStyle::Block };
                self.events.push(Event::sequence_start(None, Some(&Tag::Seq.name()), true, style));
                for item in items {
                    self.value(item, depth + 1);
                }
                self.events.push(Event::sequence_end());
            }
            Data::Map(map) => {
                let flow = self.style.flow.unwrap_or_else(|| map.values().all(is_plain_scalar));
                let style = if flow { MappingStyle::Flow } else { MappingStyle::Block };
                self.events.push(Event::mapping_start(None, Some(&Tag::Map.name()), true, style));
                let mut entries: Vec<_> = map.iter().collect();
                if self.style.sort_keys && sortable(entries.iter().map(|(key, _)| *key)) {
                    entries.sort_by(|(a, _), (b, _)| order(a, b));
                }
                for (key, item) in entries {
                    self.key(key, depth + 1);
                    self.value(item, depth + 1);
                }
                self.events.push(Event::mapping_end());
            }
        }
    }

    fn key(&mut self, key: &Key, depth: usize) {
        match key {
            Key::Null => self.scalar(Tag::Null, "null"),
            Key::Bool(flag) => self.boolean(*flag),
            Key::Int(number) => self.scalar(Tag::Int, &number.to_string()),
            Key::Float(number) => self.scalar(Tag::Float, &float_text(*number)),
            Key::Str(text) => self.scalar(Tag::Str, text),
            Key::List(keys) if depth <= MAX_DEPTH => {
                let style =
                    if self.style.flow == Some(false) { SequenceStyle::Block } else { SequenceStyle::Flow };
                self.events.push(Event::sequence_start(None, Some(&Tag::Seq.name()), true, style));
                for key in keys {
                    self.key(key, depth + 1);
                }
                self.events.push(Event::sequence_end());
            }
            Key::List(_) => self.scalar(Tag::Null, "null"),
        }
    }

    fn boolean(&mut self, flag: bool) {
        self.scalar(Tag::Bool, if flag { "true" } else { "false" });
    }

    fn scalar(&mut self, tag: Tag, text: &str) {
        let plain_implicit = schema::resolve(text) == tag;
        let quoted_implicit = tag == Tag::Str;
        let event =
            Event::scalar(None, Some(&tag.name()), text, plain_implicit, quoted_implicit, ScalarStyle::Any);
        self.events.push(event);
    }

    /// Base64 in lines of 76, as a literal block.
    fn bytes(&mut self, bytes: &[u8]) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        let mut text = String::with_capacity(encoded.len() + encoded.len() / 76 + 1);
        for (i, letter) in encoded.chars().enumerate() {
            if i > 0 && i % 76 == 0 {
                text.push('\n');
            }
            text.push(letter);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let tag = Tag::Binary.name();
        self.events.push(Event::scalar(None, Some(&tag), &text, false, false, ScalarStyle::Literal));
    }
}

fn is_plain_scalar(value: &Value) -> bool {
    !matches!(value.data, Data::List(_) | Data::Map(_) | Data::Bytes(_))
}

/// Python sorts keys of one kind; numbers and booleans are one kind. Others stay as they came.
fn sortable<'k>(mut keys: impl Iterator<Item = &'k Key>) -> bool {
    let kind = |key: &Key| match key {
        Key::Null => 0,
        Key::Bool(_) | Key::Int(_) | Key::Float(_) => 1,
        Key::Str(_) => 2,
        Key::List(_) => 3,
    };
    let Some(first) = keys.next().map(kind) else { return true };
    first != 0 && keys.all(|key| kind(key) == first)
}

fn order(a: &Key, b: &Key) -> std::cmp::Ordering {
    match (a, b) {
        (Key::Str(a), Key::Str(b)) => a.cmp(b),
        (Key::Int(a), Key::Int(b)) => a.cmp(b),
        (Key::List(a), Key::List(b)) => {
            let differ = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            differ.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (a, b) => number(a).total_cmp(&number(b)),
    }
}

fn number(key: &Key) -> f64 {
    match key {
        Key::Bool(flag) => f64::from(*flag),
        Key::Int(number) => *number as f64,
        Key::Float(number) => *number,
        _ => 0.0,
    }
}

/// Python's digits, made a float to YAML 1.1: `1e+17` is `1.0e+17`.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return ".nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let text = value::float_text(number);
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}
