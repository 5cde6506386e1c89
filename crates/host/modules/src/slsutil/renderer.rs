//! Rendering a text or a file of the tree, step by step, as an SLS file is.

use std::path::Path;

use render::yaml;
use report::Problem;
use value::{Map, Span, Value};

use crate::{Context, Failure, Template};

arguments! {
    /// Renders a file or a text: templates into text, YAML and JSON into data.
    pub(super) struct Renderer {
        /// The file: `salt://path`, or an absolute path on the machine.
        path: Option<String>,
        /// The text, instead of a file.
        string: Option<String>,
        /// The steps, joined by `|`, unless the text begins with `#!` and steps of its own.
        default_renderer: String = "jinja|yaml",
        /// The saltenv that the file is read from.
        saltenv: Option<String>
        ;.. variables
    }
}

/// See [`Renderer`].
pub(super) fn renderer(context: &Context<'_>, arguments: Renderer) -> Result<Value, Failure> {
    let saltenv = arguments.saltenv.as_deref().unwrap_or("base");
    let (name, text) = match (arguments.path, arguments.string) {
        (None, None) => {
            return Err(Failure::message("Must pass either path or string")
                .hint("`slsutil.renderer('salt://web/map.jinja')`"));
        }
        (Some(_), Some(_)) => {
            return Err(
                Failure::message("Must not pass both path and string").hint("keep the path, or the text")
            );
        }
        (None, Some(text)) => (":string:".to_string(), text.into_bytes()),
        (Some(path), None) => {
            let content = content(context, saltenv, &path)?;
            (path.strip_prefix("salt://").unwrap_or(&path).to_string(), content)
        }
    };
    let text = String::from_utf8(text)
        .map_err(|_| Failure::message(format!("{name} is not UTF-8")).hint("save the file as UTF-8"))?;
    let first = text.split('\n').next().unwrap_or_default();
    let (steps, text) = match first.strip_prefix("#!").filter(|steps| !steps.trim_start().starts_with('/')) {
        Some(steps) => (steps.trim().to_string(), text[first.len()..].trim_start_matches('\n')),
        None => (arguments.default_renderer.clone(), text.as_str()),
    };
    steps.split('|').try_fold(Value::from(text), |input, step| {
        one_step(context, step.trim(), &input, (saltenv, &name), &arguments.variables)
    })
}

fn content(context: &Context<'_>, saltenv: &str, path: &str) -> Result<Vec<u8>, Failure> {
    if let Some(path) = path.strip_prefix("salt://") {
        let found = context.minion.tree.read(saltenv, path)?;
        let missing = || {
            Failure::message(format!("salt://{path} is not in the state tree"))
                .hint("write its path below a root of `file_roots`")
        };
        return found.map(|content| content.to_vec()).ok_or_else(missing);
    }
    Ok(context.host().read(Path::new(path))?.to_vec())
}

fn one_step(
    context: &Context<'_>,
    step: &str,
    input: &Value,
    (saltenv, path): (&str, &str),
    variables: &Map,
) -> Result<Value, Failure> {
    let text = || {
        input.as_str().ok_or_else(|| {
            Failure::message(format!("`{step}` needs text to work on"))
                .hint("`yaml` and `json` make data of the text: let them stand last")
        })
    };
    match step.split_whitespace().next().unwrap_or_default() {
        "jinja" => {
            let template = Template { engine: "jinja", saltenv, path, text: text()?.as_bytes(), variables };
            context.templates.render(&template).map(Value::from)
        }
        "yaml" => {
            let source = context.minion.sources.add(path, text()?);
            yaml::load(text()?, &yaml::PlainText(source)).map_err(|error| Problem::from(error).into())
        }
        "json" => {
            let source = context.minion.sources.add(path, text()?);
            render::json_data(text()?, |range| Span::new(source, range.start, range.end))
                .map_err(Failure::from)
        }
        "text" | "" => Ok(input.clone()),
        other => Err(Failure::message(format!("there is no renderer `{other}`"))
            .hint("`jinja`, `yaml`, `json` and `text` are there")),
    }
}
