//! Values to text and back: `yaml`, `json`, `python`, `load_yaml`, …

use std::ops::Range;

use jinja::{Args, Environment, Error, ErrorKind, Signature, SourceMap, State, Value};
use value::Data;

use crate::json;
use crate::yaml::{self, DumpStyle, Nowhere, Stage, YamlError};

pub(super) fn register(environment: &mut Environment) {
    environment.add_filter("yaml", |_, args| {
        let [value, flow] = args.bind(&Signature::new("yaml", &["value", "flow_style"], 1))?;
        format_yaml(&data(value)?, flow_style(flow, Some(true))?)
    });
    environment.add_filter("dict_to_sls_yaml_params", |_, args| {
        let [value, flow] =
            args.bind(&Signature::new("dict_to_sls_yaml_params", &["value", "flow_style"], 1))?;
        let Data::Map(map) = data(value)?.data else {
            return Err(Error::type_error("dict_to_sls_yaml_params needs a dict"));
        };
        let items = map.iter().map(|(key, item)| {
            value::Value::from([(key.clone(), item.clone())].into_iter().collect::<value::Map>())
        });
        format_yaml(&items.collect(), flow_style(flow, Some(false))?)
    });
    environment.add_filter("json", |state, args| {
        let [value, sort, indent] =
            args.bind(&Signature::new("json", &["value", "sort_keys", "indent"], 1))?;
        let sort = sort.map_or(Ok(true), |sort| sort.is_true())?;
        let mut data = data(value)?;
        if sort {
            sort_keys(&mut data);
        }
        let text = match indent.as_ref().and_then(Value::as_int) {
            Some(width) => value::json::to_pretty(&data, usize::try_from(width).unwrap_or(0).min(64)),
            None => value::json::to_text(&data),
        };
        state.charge_text(text.len())?;
        Ok(Value::Markup(ascii(&text).into()))
    });
    environment.add_filter("python", |state, args| {
        let [value] = args.bind(&Signature::new("python", &["value"], 1))?;
        let value = value.unwrap_or(Value::None);
        Ok(Value::Markup(state.repr(&value)?.into()))
    });
    environment.add_filter("load_yaml", load_yaml);
    environment.add_filter("load_json", load_json);
    environment.add_filter("load_text", |state, args| {
        let [value] = args.bind(&Signature::new("load_text", &["value"], 1))?;
        match value.unwrap_or(Value::None) {
            module @ Value::Special(_) => Ok(Value::Str(state.text(&module)?)),
            value => Ok(value),
        }
    });
    environment.add_filter("yaml_encode", |state, args| {
        let [value] = args.bind(&Signature::new("yaml_encode", &["data"], 1))?;
        match value.unwrap_or(Value::None) {
            Value::None => Ok("null".into()),
            Value::Str(text) | Value::Markup(text) => Ok(double_quoted(&text).as_str().into()),
            value @ (Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_)) => {
                let text = yaml::dump(&data(Some(value))?, &DumpStyle::flow());
                Ok(text.trim_end().trim_end_matches("...").trim_end().into())
            }
            value => {
                let text = state.repr(&value)?;
                Err(Error::type_error(format!(
                    "yaml_encode() only works with YAML scalar data; failed for {text}"
                )))
            }
        }
    });
    environment.add_filter("yaml_dquote", |state, args| {
        let [text] = args.bind(&Signature::new("yaml_dquote", &["text"], 1))?;
        Ok(double_quoted(&state.text(&text.unwrap_or(Value::None))?).as_str().into())
    });
    environment.add_filter("yaml_squote", |state, args| {
        let [text] = args.bind(&Signature::new("yaml_squote", &["text"], 1))?;
        let text = state.text(&text.unwrap_or(Value::None))?;
        Ok(format!("'{}'", text.replace('\'', "''").replace('\n', "\n\n  ")).as_str().into())
    });
}

pub(super) fn data(value: Option<Value>) -> Result<value::Value, Error> {
    value.unwrap_or(Value::None).to_data().map_err(|error| match error {
        jinja::ToValueError::Undefined(text) => Error::new(ErrorKind::Undefined, text),
        error => Error::type_error(error.to_string()),
    })
}

fn flow_style(given: Option<Value>, default: Option<bool>) -> Result<Option<bool>, Error> {
    match given {
        None => Ok(default),
        Some(Value::None) => Ok(None),
        Some(value) => value.is_true().map(Some),
    }
}

fn format_yaml(value: &value::Value, flow: Option<bool>) -> Result<Value, Error> {
    let text = yaml::dump(value, &DumpStyle { flow, ..DumpStyle::block() });
    let text = text.trim();
    Ok(Value::Markup(text.strip_suffix("\n...").unwrap_or(text).into()))
}

fn load_yaml(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [value] = args.bind(&Signature::new("load_yaml", &["value"], 1))?;
    let value = value.unwrap_or(Value::None);
    if matches!(value, Value::Dict(_) | Value::List(_) | Value::None | Value::Int(_) | Value::Bool(_)) {
        let text = state.text(&value)?;
        return Err(Error::new(ErrorKind::Runtime, format!("Unable to load yaml from {text}")));
    }
    let text = state.text(&value)?;
    state.charge_text(text.len().saturating_mul(8))?;
    match yaml::load(&text, &Nowhere) {
        Ok(loaded) => Ok(Value::from(&loaded)),
        Err(error) => Err(bad_yaml(error, &text, &value.origin())),
    }
}

/// In Salt's words, at the line of the file that the text came from; the marked lines stand in for it where that is
/// not known.
fn bad_yaml(error: YamlError, text: &str, origin: &SourceMap) -> Error {
    let span = |range: &Range<usize>| origin.span(range.clone());
    let mut message = format!("Encountered error loading yaml: {}", error.problem.text);
    let place = span(&error.problem.at);
    if place.is_none() {
        let at = error.problem.at.start.min(text.len());
        let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        message = format!("{message}\n{}", around(text, line));
    }
    let mut found = Error::new(ErrorKind::Runtime, message).at(place);
    let context = error.context.filter(|_| error.stage != Stage::Constructor);
    for part in error.related.iter().map(|(part, _)| part).chain(&context) {
        found = found.related(span(&part.at), part.text.as_str());
    }
    error.hints.into_iter().fold(found, Error::hint)
}

fn load_json(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [value] = args.bind(&Signature::new("load_json", &["value"], 1))?;
    let value = value.unwrap_or(Value::None);
    let text = state.text(&value)?;
    json::read(&text).map(|data| Value::from(&data)).map_err(|error| {
        let place = value.origin().span(error.at.clone());
        let message = if place.is_none() {
            format!("Unable to load json from {text}")
        } else {
            format!("Unable to load json: {}", error.what)
        };
        Error::new(ErrorKind::Runtime, message).at(place).hint(error.hint)
    })
}

/// The lines around a line, that one marked.
fn around(text: &str, line: usize) -> String {
    const MARGIN: usize = 5;
    let lines: Vec<&str> = text.lines().collect();
    if line >= lines.len() {
        return text.into();
    }
    let (from, to) = (line.saturating_sub(MARGIN), (line + MARGIN + 1).min(lines.len()));
    let mut out = vec!["---".to_string()];
    if from > 0 {
        out.push("[...]".into());
    }
    for (number, content) in lines.iter().enumerate().take(to).skip(from) {
        let mark = if number == line { "    <======================" } else { "" };
        out.push(format!("{content}{mark}"));
    }
    if to < lines.len() {
        out.push("[...]".into());
    }
    out.push("---".into());
    out.join("\n")
}

fn double_quoted(text: &str) -> String {
    let style = DumpStyle { width: u16::MAX, ..DumpStyle::flow() };
    yaml::dump_double_quoted(text, &style)
}

/// Keys as Python's `sort_keys` orders them, at every level.
fn sort_keys(value: &mut value::Value) {
    match &mut value.data {
        Data::List(items) => items.iter_mut().for_each(sort_keys),
        Data::Map(map) => {
            map.sort_keys();
            map.iter_mut().for_each(|(_, item)| sort_keys(item));
        }
        _ => {}
    }
}

/// JSON with everything beyond ASCII escaped, as Python writes it.
pub(super) fn ascii(json: &str) -> String {
    if json.is_ascii() {
        return json.into();
    }
    let mut out = String::with_capacity(json.len() * 2);
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
