//! `tojson`

use std::fmt::Write as _;

use super::{integer, required, sort_values};
use crate::{Args, Environment, Error, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    environment.add_filter("tojson", to_json);
}

fn to_json(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, indent] = args.bind(&Signature::new("do_tojson", &["value", "indent"], 1).with_context())?;
    let indent = match &indent {
        None | Some(Value::None) => None,
        Some(Value::Str(text) | Value::Markup(text)) => Some(text.to_string()),
        Some(width) => {
            let width = usize::try_from(integer(Some(width), 0)?).unwrap_or(0);
            state.charge_text(width)?;
            Some(" ".repeat(width))
        }
    };
    let mut writer = Writer { out: String::new(), indent };
    writer.write(state, &required(input), 0)?;
    let safe = writer
        .out
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027");
    Ok(Value::Markup(safe.into()))
}

/// JSON as Python's `json.dumps(sort_keys=True)` writes it.
struct Writer {
    out: String,
    indent: Option<String>,
}

impl Writer {
    fn write(&mut self, state: &mut State<'_>, value: &Value, depth: usize) -> Result<(), Error> {
        const DEEPEST: usize = 400;
        if depth > DEEPEST {
            return Err(Error::value_error("Circular reference detected"));
        }
        state.charge(1)?;
        match value {
            Value::None => self.out.push_str("null"),
            Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Big(number) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Float(number) => self.out.push_str(&float(*number)),
            Value::Str(text) | Value::Markup(text) => self.quote(text),
            Value::List(list) => self.array(state, &list.to_vec(), depth)?,
            Value::Tuple(tuple) => self.array(state, tuple.items(), depth)?,
            Value::Dict(dict) => self.object(state, dict.to_pairs(), depth)?,
            Value::Object(object) => match object.to_data() {
                Some(data) if !matches!(data, Value::Object(_)) => self.write(state, &data, depth + 1)?,
                _ => return Err(not_serializable(value)),
            },
            value => return Err(not_serializable(value)),
        }
        state.charge_text(self.out.len() / 64)
    }

    fn array(&mut self, state: &mut State<'_>, items: &[Value], depth: usize) -> Result<(), Error> {
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            self.separate(index, depth + 1);
            self.write(state, item, depth + 1)?;
        }
        self.new_line(depth);
        self.out.push(']');
        Ok(())
    }

    fn object(
        &mut self,
        state: &mut State<'_>,
        pairs: Vec<(Value, Value)>,
        depth: usize,
    ) -> Result<(), Error> {
        if pairs.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        let keyed =
            pairs.into_iter().map(|(key, value)| (key.clone(), Value::tuple(vec![key, value]))).collect();
        self.out.push('{');
        for (index, pair) in sort_values(state, keyed, false)?.into_iter().enumerate() {
            let Value::Tuple(pair) = pair else { continue };
            let [key, value] = pair.items() else { continue };
            self.separate(index, depth + 1);
            let key = match key {
                Value::Str(text) | Value::Markup(text) => text.to_string(),
                Value::None => "null".into(),
                Value::Bool(flag) => if *flag { "true" } else { "false" }.into(),
                Value::Float(number) => float(*number),
                Value::Int(_) | Value::Big(_) => crate::value::text::to_text(key)?,
                other => {
                    return Err(Error::type_error(format!(
                        "keys must be str, int, float, bool or None, not {}",
                        other.type_name()
                    )));
                }
            };
            self.quote(&key);
            self.out.push_str(": ");
            self.write(state, value, depth + 1)?;
        }
        self.new_line(depth);
        self.out.push('}');
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) {
        if index > 0 {
            self.out.push_str(if self.indent.is_some() { "," } else { ", " });
        }
        self.new_line(depth);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn quote(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                ' '..='~' => self.out.push(c),
                c => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        let _ = write!(self.out, "\\u{unit:04x}");
                    }
                }
            }
        }
        self.out.push('"');
    }
}

fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        value::float_text(number)
    }
}

fn not_serializable(value: &Value) -> Error {
    Error::type_error(format!("Object of type {} is not JSON serializable", value.type_name()))
}
