//! `str()` and `repr()`.

use std::fmt::Write as _;

use super::printable::is_printable;
use super::{Special, Tuple, Value, ViewKind};
use crate::Error;

/// How deep `repr` goes.
const DEEPEST: usize = 400;

/// How long a text `repr` makes; beyond it the rendering has failed anyway.
const LONGEST: usize = 256 << 20;

/// Python's `str()`. A strict undefined value is an error.
pub(crate) fn to_text(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write_text(&mut out, value)?;
    Ok(out)
}

/// Python's `str()`, appended.
pub(crate) fn write_text(out: &mut String, value: &Value) -> Result<(), Error> {
    match value {
        Value::Str(text) | Value::Markup(text) => out.push_str(text),
        Value::Undefined(undefined) => undefined.require_lenient()?,
        Value::Object(object) => out.push_str(&object.text()),
        Value::Special(special) if !matches!(**special, Special::Namespace(_)) => special.write_text(out),
        value => write_repr(out, value)?,
    }
    Ok(())
}

/// Salt prints the values of a dict by `str()`, so that a strict undefined value among them is an
/// error, where Python's `repr()` would show it.
pub(crate) fn require_printable(value: &Value) -> Result<(), Error> {
    /// Deeper than this, `repr` reports the depth.
    const DEEPEST: u32 = 50;
    fn check(value: &Value, depth: u32) -> Result<(), Error> {
        let Value::Dict(dict) = value else { return Ok(()) };
        for (_, inner) in dict.to_pairs() {
            match &inner {
                Value::Undefined(undefined) => undefined.require_lenient()?,
                inner if depth < DEEPEST => check(inner, depth + 1)?,
                _ => {}
            }
        }
        Ok(())
    }
    check(value, 0)
}

/// Python's `repr()`.
pub(crate) fn repr(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write_repr(&mut out, value)?;
    Ok(out)
}

/// `repr()` for an error text: never fails, and long ones are cut.
pub(crate) fn repr_short(value: &Value) -> String {
    const SHORT: usize = 500;
    let text = repr(value).unwrap_or_else(|_| "...".into());
    match text.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Python's `repr()`, appended.
pub(crate) fn write_repr(out: &mut String, value: &Value) -> Result<(), Error> {
    Writer { out, open: Vec::new() }.write(value)
}

/// A text in quotes, as `repr()` writes it.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    out
}

/// How many characters; fast for ASCII.
pub(crate) fn count_characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

struct Writer<'a> {
    out: &'a mut String,
    /// The containers being written, by address: one that is met again prints as `[...]`.
    open: Vec<usize>,
}

impl Writer<'_> {
    fn write(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Undefined(_) => self.out.push_str("Undefined"),
            Value::None => self.out.push_str("None"),
            Value::Bool(true) => self.out.push_str("True"),
            Value::Bool(false) => self.out.push_str("False"),
            Value::Int(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Big(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Float(number) => self.out.push_str(&value::float_text(*number)),
            Value::Str(text) => write_quoted(self.out, text),
            Value::Markup(text) => {
                self.out.push_str("Markup(");
                write_quoted(self.out, text);
                self.out.push(')');
            }
            Value::Bytes(bytes) => write_bytes(self.out, bytes),
            Value::Tuple(tuple) => self.nested(tuple.address(), "(...)", |this| this.tuple(tuple))?,
            Value::List(list) => {
                self.nested(list.address(), "[...]", |this| this.sequence("[", list.to_vec().iter(), "]"))?;
            }
            Value::Dict(dict) => self.nested(dict.address(), "{...}", |this| this.dict(&dict.to_pairs()))?,
            Value::Set(set) if set.is_empty() => self.out.push_str("set()"),
            Value::Set(set) => self.sequence("{", set.to_vec().iter(), "}")?,
            Value::Range(range) if range.step == 1 => {
                let _ = write!(self.out, "range({}, {})", range.start, range.stop);
            }
            Value::Range(range) => {
                let _ = write!(self.out, "range({}, {}, {})", range.start, range.stop, range.step);
            }
            Value::View(view) => {
                let name = match view.kind {
                    ViewKind::Keys => "dict_keys([",
                    ViewKind::Values => "dict_values([",
                    ViewKind::Items => "dict_items([",
                };
                self.nested(view.dict.address(), "...", |this| {
                    this.sequence(name, view.to_vec().iter(), "])")
                })?;
            }
            Value::Iterator(iter) => self.out.push_str(&iter.repr()),
            Value::Special(special) => match &**special {
                Special::Namespace(namespace) => {
                    let attributes = namespace.attributes.borrow().clone();
                    let pairs: Vec<(Value, Value)> =
                        attributes.into_iter().map(|(name, value)| (Value::Str(name), value)).collect();
                    let address = std::ptr::from_ref(namespace).addr();
                    self.nested(address, "<Namespace ...>", |this| {
                        this.out.push_str("<Namespace ");
                        this.dict(&pairs)?;
                        this.out.push('>');
                        Ok(())
                    })?;
                }
                special => special.write_repr(self.out),
            },
            Value::Object(object) => self.out.push_str(&object.repr()),
        }
        if self.out.len() > LONGEST {
            return Err(Error::other("MemoryError", "the text is too long"));
        }
        Ok(())
    }

    fn nested(
        &mut self,
        address: usize,
        again: &str,
        write: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.open.contains(&address) {
            self.out.push_str(again);
            return Ok(());
        }
        if self.open.len() >= DEEPEST {
            return Err(Error::other(
                "RecursionError",
                "maximum recursion depth exceeded while getting the repr of an object",
            ));
        }
        self.open.push(address);
        let result = write(self);
        self.open.pop();
        result
    }

    fn sequence<'v>(
        &mut self,
        open: &str,
        items: impl Iterator<Item = &'v Value>,
        close: &str,
    ) -> Result<(), Error> {
        self.out.push_str(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.write(item)?;
        }
        self.out.push_str(close);
        Ok(())
    }

    fn tuple(&mut self, tuple: &Tuple) -> Result<(), Error> {
        let close = if tuple.len() == 1 { ",)" } else { ")" };
        self.sequence("(", tuple.items().iter(), close)
    }

    fn dict(&mut self, pairs: &[(Value, Value)]) -> Result<(), Error> {
        self.out.push('{');
        for (index, (key, value)) in pairs.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.write(key)?;
            self.out.push_str(": ");
            self.write(value)?;
        }
        self.out.push('}');
        Ok(())
    }
}

pub(crate) fn write_quoted(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => write_escaped(out, c),
        }
    }
    out.push(mark);
}

pub(crate) fn write_escaped(out: &mut String, c: char) {
    let code = c as u32;
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    let mark = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.push('b');
    out.push(mark as char);
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if *byte == mark => {
                out.push('\\');
                out.push(mark as char);
            }
            0x20..0x7f => out.push(*byte as char),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(mark as char);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Dict, List};

    #[test]
    fn repr_is_pythons() {
        let list = List::new(vec![Value::Int(1), Value::Str("it's".into()), Value::Bytes((*b"a\0'").into())]);
        list.push(Value::List(list.clone()));
        assert_eq!(repr(&Value::List(list)).unwrap(), r#"[1, "it's", b"a\x00'", [...]]"#);
        let dict = Dict::new();
        dict.insert("a", Value::tuple(vec![Value::None]));
        dict.set(Value::Int(1), Value::Float(1e16)).unwrap();
        assert_eq!(repr(&Value::Dict(dict)).unwrap(), "{'a': (None,), 1: 1e+16}");
    }

    #[test]
    fn nesting_too_deep_is_an_error_and_frees_well() {
        let mut value = Value::Int(0);
        for _ in 0..200_000 {
            value = Value::list(vec![value]);
        }
        assert!(repr(&value).is_err());
    }
}
