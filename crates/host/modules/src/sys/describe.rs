//! One way to see state and execution functions, and the forms in which they are described.

use value::{Map, Value};

use crate::{ArgumentSpecification, catalogue};

/// A function as documentation sees it.
pub(super) struct Described {
    pub(super) name: String,
    documentation: &'static str,
    arguments: &'static [ArgumentSpecification],
    open: bool,
}

/// All execution functions by name.
pub(super) fn execution_functions() -> Vec<Described> {
    let modules = catalogue::MODULES.iter();
    sorted(modules.flat_map(|module| {
        module.functions.iter().map(|function| Described {
            name: format!("{}.{}", module.name, function.name),
            documentation: function.documentation,
            arguments: function.arguments,
            open: function.open,
        })
    }))
}

/// All state functions by name.
pub(super) fn state_functions() -> Vec<Described> {
    let modules = catalogue::MODULES.iter();
    sorted(modules.flat_map(|module| {
        module.states.iter().map(|function| Described {
            name: format!("{}.{}", module.name, function.name),
            documentation: function.documentation,
            arguments: function.arguments,
            open: function.open,
        })
    }))
}

fn sorted(functions: impl Iterator<Item = Described>) -> Vec<Described> {
    let mut functions: Vec<_> = functions.collect();
    functions.sort_by(|one, other| one.name.cmp(&other.name));
    functions
}

impl Described {
    /// Text for people: what it does, then its arguments one by one.
    pub(super) fn text(&self) -> String {
        let mut text = paragraph(self.documentation);
        for argument in self.arguments {
            let names = std::iter::once(argument.name).chain(argument.aliases.iter().copied());
            let names = names.collect::<Vec<_>>().join(", ");
            let default = match (argument.required, argument.default) {
                (true, _) => ", required".to_string(),
                (false, "") => String::new(),
                (false, default) => format!(", default {}", value::json::to_text(&default_value(default))),
            };
            let documentation = paragraph(argument.documentation).replace('\n', "\n    ");
            text += &format!("\n\n{names} : {}{default}\n    {documentation}", argument.shape);
        }
        if self.open {
            text += "\n\nFurther named arguments are accepted.";
        }
        text
    }

    /// Salt's `argspec`: names, defaults of the optional ones, whether any more are taken.
    pub(super) fn specification(&self) -> Map {
        let named = || self.arguments.iter().filter(|argument| !argument.takes_rest);
        let names: Vec<&str> = named().map(|argument| argument.name).collect();
        let defaults: Vec<Value> = named()
            .filter(|argument| !argument.required)
            .map(|argument| default_value(argument.default))
            .collect();
        let or_null = |values: Value| if values.is_truthy() { values } else { Value::NULL };
        let flag = |set: bool| if set { Value::from(true) } else { Value::NULL };
        [
            ("args", or_null(names.into())),
            ("defaults", or_null(defaults.into())),
            ("varargs", flag(self.arguments.iter().any(|argument| argument.takes_rest))),
            ("kwargs", flag(self.open)),
        ]
        .into_iter()
        .collect()
    }

    /// A JSON schema of the arguments.
    pub(super) fn schema(&self) -> Map {
        let mut properties = Map::new();
        for argument in self.arguments {
            let mut property = json_type(argument.shape);
            property.insert("title", argument.name);
            property.insert("description", paragraph(argument.documentation));
            if !argument.default.is_empty() {
                property.insert("default", default_value(argument.default));
            }
            if !argument.aliases.is_empty() {
                property.insert("aliases", argument.aliases.iter().copied().collect::<Value>());
            }
            properties.insert(argument.name, property);
        }
        let required =
            self.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name);
        [
            ("type", Value::from("object")),
            ("title", self.name.as_str().into()),
            ("description", paragraph(self.documentation).into()),
            ("required", required.collect()),
            ("properties", properties.into()),
            ("additionalProperties", self.open.into()),
        ]
        .into_iter()
        .collect()
    }
}

/// Doc comment lines without the blank that follows `///`.
fn paragraph(documentation: &str) -> String {
    let lines = documentation.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}

/// The value that a default, written as Rust source, stands for.
fn default_value(source: &str) -> Value {
    match source {
        "" => Value::NULL,
        "Vec::new()" => Vec::<Value>::new().into(),
        "Map::new()" => Map::new().into(),
        source => value::json::from_text(source).unwrap_or_else(|_| source.into()),
    }
}

fn json_type(shape: &str) -> Map {
    let kind = match shape {
        "text" => "string",
        "boolean" => "boolean",
        "integer" => "integer",
        "number" => "number",
        "mapping" => "object",
        shape if shape.starts_with("list") => "array",
        other => return [("format", other)].into_iter().collect(),
    };
    [("type", kind)].into_iter().collect()
}
