//! Nodes to values: tags, merge keys, duplicate keys.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::HashSet;
use foldhash::fast::RandomState;
use value::{Data, Key, Map, Value};

use super::Places;
use super::compose::{Content, Document, MAX_DEPTH, NodeId};
use super::error::YamlError;
use super::schema::{self, Tag};

/// How many values a document may grow to by its aliases: a dozen lines can otherwise say billions.
pub(super) const MAX_VALUES: usize = 4_000_000;

const MAPPING: &str = "while constructing a mapping";

pub(super) struct Constructor<'d, P> {
    document: &'d mut Document,
    places: &'d P,
    /// By node: mappings whose merge keys have been resolved.
    flat: Vec<bool>,
    words: Words,
    values: usize,
}

impl<'d, P: Places> Constructor<'d, P> {
    pub(super) fn new(document: &'d mut Document, places: &'d P) -> Self {
        let flat = vec![false; document.nodes.len()];
        Self { document, places, flat, words: Words::default(), values: 0 }
    }

    pub(super) fn construct(&mut self, id: NodeId, depth: usize) -> Result<Value, YamlError> {
        let Some(node) = self.document.nodes.get(id) else { return Ok(Value::NULL) };
        self.values += 1;
        if self.values > MAX_VALUES {
            let text = format!("aliases make the document larger than {MAX_VALUES} values");
            return Err(YamlError::constructor(text, node.at.clone()));
        }
        if depth > MAX_DEPTH {
            let text = format!("collections are nested deeper than {MAX_DEPTH} levels");
            return Err(YamlError::constructor(text, node.at.clone()));
        }
        let span = self.places.span(node.at.clone());
        let data = match (&node.tag, &node.content) {
            (Tag::Str, Content::Scalar(text)) => Data::Str(self.words.shared(text)),
            (tag, Content::Scalar(text)) if scalar_tag(tag) => self.scalar(id, tag, text)?,
            (Tag::Seq, Content::Sequence(items)) => Data::List(self.items(items.clone(), depth)?),
            (Tag::Map | Tag::Omap, Content::Mapping(_)) => Data::Map(self.mapping(id, depth)?),
            (Tag::Set, Content::Mapping(_)) => {
                let map = self.mapping(id, depth)?;
                Data::List(map.keys().map(value_of).collect())
            }
            (Tag::Pairs, Content::Sequence(items)) => Data::List(self.pairs(id, items.clone(), depth)?),
            _ => return Err(self.misfit(id)),
        };
        Ok(data_at(data, span))
    }

    fn scalar(&self, id: NodeId, tag: &Tag, text: &str) -> Result<Data, YamlError> {
        match tag {
            Tag::Null | Tag::Bool | Tag::Int | Tag::Float => implicit(tag, text).ok_or_else(|| {
                let kind = match tag {
                    Tag::Bool => "boolean",
                    Tag::Int => "integer",
                    _ => "float",
                };
                self.error(id, format!("`{text}` is not a valid {kind}"))
            }),
            Tag::Binary => decode_base64(text)
                .map(|bytes| Data::Bytes(bytes.into()))
                .ok_or_else(|| self.error(id, "failed to decode base64 data")),
            _ => Ok(Data::Str(text.into())),
        }
    }

    fn items(&mut self, items: Vec<NodeId>, depth: usize) -> Result<Vec<Value>, YamlError> {
        items.into_iter().map(|item| self.construct(item, depth + 1)).collect()
    }

    fn pairs(&mut self, id: NodeId, items: Vec<NodeId>, depth: usize) -> Result<Vec<Value>, YamlError> {
        let mut found = Vec::new();
        for item in items {
            let pair = match self.document.nodes.get(item).map(|node| &node.content) {
                Some(Content::Mapping(pairs)) if pairs.len() == 1 => pairs.first().copied(),
                _ => None,
            };
            let Some((key, value)) = pair else {
                let at = self.at(id);
                return Err(self
                    .error(item, "expected a mapping of length 1")
                    .in_context("while constructing pairs", at));
            };
            found.push(vec![self.construct(key, depth + 1)?, self.construct(value, depth + 1)?].into());
        }
        Ok(found)
    }

    /// Keys first, so that a duplicate is found before what lies below it, as PyYAML does.
    fn mapping(&mut self, id: NodeId, depth: usize) -> Result<Map, YamlError> {
        self.flatten(id, depth)?;
        let pairs = match self.document.nodes.get(id).map(|node| &node.content) {
            Some(Content::Mapping(pairs)) => pairs.clone(),
            _ => return Err(self.misfit(id)),
        };
        let mut map = Map::with_capacity(pairs.len());
        for (key_node, value_node) in &pairs {
            let key = self.key(id, *key_node, depth)?;
            let value = if self.is_scalar(*value_node) {
                self.construct(*value_node, depth + 1)?
            } else {
                Value::NULL
            };
            if let Some(first) = python_equal(&map, &key) {
                return Err(self.conflict(id, *key_node, &key, &pairs, &first, depth));
            }
            map.insert_at(key, self.places.span(self.at(*key_node)), value);
        }
        for ((_, value), (_, value_node)) in map.iter_mut().zip(&pairs) {
            if !self.is_scalar(*value_node) {
                *value = self.construct(*value_node, depth + 1)?;
            }
        }
        Ok(map)
    }

    fn key(&mut self, mapping: NodeId, id: NodeId, depth: usize) -> Result<Key, YamlError> {
        let value = if self.is_scalar(id) { Some(self.construct(id, depth + 1)?) } else { None };
        value.and_then(|value| key_of(value.data)).ok_or_else(|| {
            let text = format!("found unacceptable key {}", self.python_text(id));
            let at = self.at(mapping);
            self.error(id, text).in_context(MAPPING, at)
        })
    }

    fn conflict(
        &mut self,
        mapping: NodeId,
        key_node: NodeId,
        key: &Key,
        pairs: &[(NodeId, NodeId)],
        first: &Key,
        depth: usize,
    ) -> YamlError {
        let earlier = pairs
            .iter()
            .map(|(node, _)| *node)
            .find(|node| self.key(mapping, *node, depth).is_ok_and(|earlier| &earlier == first));
        let text = format!("found conflicting ID '{key}'");
        let mut error = self.error(key_node, text).in_context(MAPPING, self.at(mapping));
        if let Some(earlier) = earlier {
            error = error.related(format!("`{first}` is first set here"), self.at(earlier));
        }
        if first == key {
            error.hint("a mapping has every key once: merge the two entries or rename one")
        } else {
            error.hint(format!(
                "to Python the keys {first} and {key} are the same; quote them to keep them apart"
            ))
        }
    }

    /// Replaces merge keys (`<<`) by the entries they stand for, which come first; keys that the mapping
    /// has itself win.
    fn flatten(&mut self, id: NodeId, depth: usize) -> Result<(), YamlError> {
        match self.flat.get_mut(id) {
            Some(flat) if !*flat && depth <= MAX_DEPTH => *flat = true,
            _ => return Ok(()),
        }
        let Some(Content::Mapping(pairs)) = self.document.nodes.get(id).map(|node| &node.content) else {
            return Ok(());
        };
        let special = |(key, _): &(NodeId, NodeId)| {
            self.document.nodes.get(*key).is_some_and(|key| matches!(key.tag, Tag::Merge | Tag::Default))
        };
        if !pairs.iter().any(special) {
            return Ok(());
        }
        let (mut own, mut merged) = (Vec::new(), Vec::new());
        for (key, value) in pairs.clone() {
            match self.document.nodes.get_mut(key).map(|key| &mut key.tag) {
                Some(Tag::Merge) => self.merge_sources(id, value, depth, &mut merged)?,
                Some(tag @ Tag::Default) => {
                    *tag = Tag::Str;
                    own.push((key, value));
                }
                _ => own.push((key, value)),
            }
        }
        let mut entries: Vec<_> = {
            let own_texts: HashSet<&str> = own.iter().filter_map(|(key, _)| self.text(*key)).collect();
            let hidden = |key: NodeId| self.text(key).is_some_and(|text| own_texts.contains(text));
            merged.into_iter().filter(|(key, _)| !hidden(*key)).collect()
        };
        entries.append(&mut own);
        self.values += entries.len();
        if let Some(node) = self.document.nodes.get_mut(id) {
            node.content = Content::Mapping(entries);
        }
        Ok(())
    }

    fn merge_sources(
        &mut self,
        mapping: NodeId,
        source: NodeId,
        depth: usize,
        merged: &mut Vec<(NodeId, NodeId)>,
    ) -> Result<(), YamlError> {
        let sources = match self.document.nodes.get(source).map(|node| &node.content) {
            Some(Content::Mapping(_)) => vec![source],
            // The last of the list comes first.
            Some(Content::Sequence(items)) => items.iter().rev().copied().collect(),
            other => {
                let name = other.map_or("nothing", Content::name);
                let text = format!("expected a mapping or list of mappings for merging, but found {name}");
                let at = self.at(mapping);
                return Err(self.error(source, text).in_context(MAPPING, at));
            }
        };
        for source in sources {
            self.flatten(source, depth + 1)?;
            match self.document.nodes.get(source).map(|node| &node.content) {
                Some(Content::Mapping(pairs)) if merged.len() + pairs.len() <= MAX_VALUES => {
                    merged.extend(pairs);
                }
                Some(Content::Mapping(_)) => {
                    return Err(self.error(source, "merge keys make the document too large"));
                }
                other => {
                    let name = other.map_or("nothing", Content::name);
                    let text = format!("expected a mapping for merging, but found {name}");
                    let at = self.at(mapping);
                    return Err(self.error(source, text).in_context(MAPPING, at));
                }
            }
        }
        Ok(())
    }

    /// A tag that does not fit the kind of node, or that nothing constructs.
    fn misfit(&self, id: NodeId) -> YamlError {
        let Some(node) = self.document.nodes.get(id) else { return self.error(id, "no such node") };
        let found = node.content.name();
        match &node.tag {
            Tag::Merge | Tag::Default | Tag::Other(_) => {
                self.error(id, format!("could not determine a constructor for the tag '{}'", node.tag.name()))
            }
            Tag::Seq => self.error(id, format!("expected a sequence node, but found {found}")),
            Tag::Map | Tag::Omap | Tag::Set => {
                self.error(id, format!("expected a mapping node, but found {found}"))
            }
            Tag::Pairs => self
                .error(id, format!("expected a sequence, but found {found}"))
                .in_context("while constructing pairs", node.at.clone()),
            _ => self.error(id, format!("expected a scalar node, but found {found}")),
        }
    }

    fn error(&self, id: NodeId, text: impl Into<String>) -> YamlError {
        YamlError::constructor(text, self.at(id))
    }

    fn at(&self, id: NodeId) -> std::ops::Range<usize> {
        self.document.nodes.get(id).map_or(0..0, |node| node.at.clone())
    }

    fn is_scalar(&self, id: NodeId) -> bool {
        self.text(id).is_some()
    }

    fn text(&self, id: NodeId) -> Option<&str> {
        match self.document.nodes.get(id).map(|node| &node.content) {
            Some(Content::Scalar(text)) => Some(text),
            _ => None,
        }
    }

    /// A node's content as Python prints it in "found unacceptable key"; long ones are cut.
    fn python_text(&self, id: NodeId) -> String {
        let mut out = String::new();
        self.write_content(id, &mut out, 0);
        out
    }

    fn write_content(&self, id: NodeId, out: &mut String, depth: usize) {
        const LONGEST: usize = 400;
        let Some(node) = self.document.nodes.get(id) else { return };
        if out.len() > LONGEST || depth > MAX_DEPTH {
            return;
        }
        match &node.content {
            Content::Scalar(text) => out.push_str(&format!("'{text}'")),
            Content::Sequence(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    self.write_node(*item, out, depth);
                }
                out.push(']');
            }
            Content::Mapping(pairs) => {
                out.push('[');
                for (i, (key, value)) in pairs.iter().enumerate() {
                    out.push_str(if i > 0 { ", (" } else { "(" });
                    self.write_node(*key, out, depth);
                    out.push_str(", ");
                    self.write_node(*value, out, depth);
                    out.push(')');
                }
                out.push(']');
            }
        }
    }

    fn write_node(&self, id: NodeId, out: &mut String, depth: usize) {
        let Some(node) = self.document.nodes.get(id) else { return };
        let class = match node.content {
            Content::Scalar(_) => "ScalarNode",
            Content::Sequence(_) => "SequenceNode",
            Content::Mapping(_) => "MappingNode",
        };
        out.push_str(&format!("{class}(tag='{}', value=", node.tag.name()));
        self.write_content(id, out, depth + 1);
        out.push(')');
    }
}

/// What a scalar is that a tag of numbers, flags or nothing makes of a text.
pub(super) fn implicit(tag: &Tag, text: &str) -> Option<Data> {
    let value = match tag {
        Tag::Null => Value::NULL,
        Tag::Bool => schema::bool_value(text)?,
        Tag::Int => schema::int_value(text)?,
        Tag::Float => schema::float_value(text)?,
        _ => return None,
    };
    Some(value.data)
}

/// A scalar as a key; `None` for collections.
pub(super) fn key_of(data: Data) -> Option<Key> {
    match data {
        Data::Null => Some(Key::Null),
        Data::Bool(flag) => Some(Key::Bool(flag)),
        Data::Int(number) => Some(Key::Int(number)),
        Data::Big(number) => Some(Key::Str(number.to_string().into())),
        Data::Float(number) => Some(Key::Float(number)),
        Data::Str(text) => Some(Key::Str(text)),
        Data::Bytes(bytes) => Some(Key::Str(String::from_utf8_lossy(&bytes).into())),
        Data::List(_) | Data::Map(_) => None,
    }
}

/// Short texts met lately. Those that a document repeats, keys above all, are kept once.
#[derive(Default)]
pub(super) struct Words {
    recent: Vec<Arc<str>>,
    hasher: RandomState,
}

impl Words {
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        const LONGEST: usize = 40;
        const KEPT: usize = 256;
        if text.len() > LONGEST {
            return text.into();
        }
        if self.recent.is_empty() {
            self.recent.resize(KEPT, Arc::default());
        }
        match self.recent.get_mut(self.hasher.hash_one(text) as usize % KEPT) {
            Some(known) if **known == *text => Arc::clone(known),
            Some(place) => {
                *place = text.into();
                Arc::clone(place)
            }
            None => text.into(),
        }
    }
}

fn scalar_tag(tag: &Tag) -> bool {
    use Tag::{Binary, Bool, Float, Int, Null, PythonUnicode, Str, Timestamp};
    matches!(tag, Null | Bool | Int | Float | Str | Binary | Timestamp | PythonUnicode)
}

fn data_at(data: Data, span: value::Span) -> Value {
    Value { data, span }
}

fn value_of(key: &Key) -> Value {
    match key {
        Key::Null => Value::NULL,
        Key::Bool(flag) => (*flag).into(),
        Key::Int(number) => (*number).into(),
        Key::Float(number) => (*number).into(),
        Key::Str(text) => text.clone().into(),
        Key::List(keys) => keys.iter().map(value_of).collect(),
    }
}

/// The key already in the map that Python holds for equal: `1 == 1.0 == True`.
pub(super) fn python_equal(map: &Map, key: &Key) -> Option<Key> {
    if map.get_key(key).is_some() {
        return Some(key.clone());
    }
    let number = match key {
        Key::Bool(flag) => f64::from(*flag),
        Key::Int(number) if (-(1 << 53)..=(1 << 53)).contains(number) => *number as f64,
        Key::Float(number) => *number,
        _ => return None,
    };
    let mut equals = vec![Key::Float(number)];
    if number.fract() == 0.0 && number.abs() <= (1i64 << 53) as f64 {
        equals.push(Key::Int(number as i64));
    }
    if number == 0.0 || number == 1.0 {
        equals.push(Key::Bool(number == 1.0));
    }
    equals.into_iter().find(|equal| map.get_key(equal).is_some())
}

/// Python's lenient base64: what is no letter of the alphabet is skipped, padding is required.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut letters, mut padding) = (0u32, 0u32, 0usize, 0usize);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ if byte.is_ascii() => continue,
            _ => return None,
        };
        letters += 1;
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    let missing = (4 - letters % 4) % 4;
    (missing != 3 && padding >= missing).then_some(out)
}
