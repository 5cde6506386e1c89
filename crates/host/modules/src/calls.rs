//! How templates reach the catalogue.

use std::sync::{Arc, OnceLock, Weak};

use render::{FunctionError, Functions};
use value::{Map, Value};

use crate::{Caller, Context, Failure, Minion, Template, Templates, catalogue};

/// The execution functions as a template sees them: `salt['pillar.get']('a:b')`.
///
/// Every call is made as [`Caller::Template`]: commands are probes. Functions that render templates
/// themselves need [`connect`](Self::connect) first, since what renders also needs these calls.
pub struct Calls {
    minion: Arc<Minion>,
    saltenv: String,
    templates: OnceLock<Weak<dyn Templates>>,
}

impl Calls {
    /// Calls for a minion, in its configured saltenv (`base` when there is none).
    pub fn new(minion: Arc<Minion>) -> Self {
        let saltenv = minion.options.get("saltenv").and_then(Value::as_str).unwrap_or("base").to_string();
        Self { minion, saltenv, templates: OnceLock::new() }
    }

    /// Tells what renders templates. The link is weak; the first one given stays.
    pub fn connect(&self, templates: &Arc<dyn Templates>) {
        let _already_connected = self.templates.set(Arc::downgrade(templates));
    }
}

impl Functions for Calls {
    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, FunctionError> {
        let function = catalogue::execution_function(name)
            .ok_or_else(|| FunctionError::Unknown { name: name.to_string() })?;
        let templates = self.templates.get().and_then(Weak::upgrade);
        let context = Context {
            minion: &self.minion,
            templates: templates.as_deref().unwrap_or(&NoTemplates),
            caller: Caller::Template,
            saltenv: &self.saltenv,
            sls: "",
            id: "",
        };
        function.call(name, &context, args, kwargs).map_err(|failure| function_error(&failure))
    }

    fn has(&self, name: &str) -> bool {
        catalogue::execution_function(name).is_some()
    }

    fn changes_first_argument(&self, name: &str, kwargs: &Map) -> bool {
        let in_place = || kwargs.get("in_place").is_none_or(Value::is_truthy);
        match name {
            "slsutil.update" => true,
            "defaults.merge" | "defaults.update" => in_place(),
            _ => false,
        }
    }

    fn names(&self) -> Vec<String> {
        catalogue::execution_names().collect()
    }
}

fn function_error(failure: &Failure) -> FunctionError {
    let (message, hints) = (failure.to_string(), failure.advice().hints);
    match failure {
        Failure::Problems(problems)
            if problems.iter().all(|problem| problem.code.starts_with("arguments.")) =>
        {
            FunctionError::Arguments { message, hints }
        }
        _ => FunctionError::Failed { message, hints },
    }
}

/// For contexts in which nothing can be rendered.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTemplates;

impl Templates for NoTemplates {
    fn render(&self, template: &Template<'_>) -> Result<Arc<str>, Failure> {
        Err(Failure::message(format!("`{}` cannot be rendered from here", template.path))
            .hint("call the function from an SLS or a template of the state tree"))
    }
}

#[cfg(test)]
mod tests {
    use report::Problem;

    use super::*;

    #[test]
    fn failures_keep_their_kind() {
        let problem = Problem::error("arguments.unknown", "f() got x").hint("did you mean `y`?");
        let unknown = function_error(&problem.into());
        let hints = vec!["did you mean `y`?".into()];
        assert_eq!(unknown, FunctionError::Arguments { message: "f() got x".into(), hints });
        let failed = function_error(&Failure::message("no").hint("say yes"));
        assert_eq!(failed, FunctionError::Failed { message: "no".into(), hints: vec!["say yes".into()] });
    }
}
