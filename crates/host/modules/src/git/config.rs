//! `git.config_set`, `git.config_unset`: settings of git.

use host::{Effect, Fact, Subject};
use value::{Map, Value};

use super::program::{Git, Refusal, advice};
use crate::{Context, Failure, Outcome};

arguments! {
    /// Keeps a setting at a value, or at several.
    pub(super) struct Set {
        /// The setting, `user.name`.
        name: String,
        /// Its value.
        value: Option<String>,
        /// Its values, for a setting that may have several: a list, or text with commas.
        multivar: Option<Value>,
        /// The repository, unless the setting is global.
        repo: Option<String>,
        /// As whom git runs; whose setting a global one is.
        user: Option<String>,
        /// Accepted; there are no passwords to give on Linux.
        password: Option<String>,
        /// A setting of the user rather than of a repository.
        global: bool = false,
    }
}

/// See [`Set`].
pub(super) fn set(context: &Context<'_>, arguments: Set) -> Result<Outcome, Failure> {
    let (desired, shown) = match (&arguments.value, &arguments.multivar) {
        (Some(_), Some(_)) => {
            return Ok(Outcome::failed("Only one of 'value' and 'multivar' is permitted")
                .hint("keep `value` for one value, `multivar` for a list")
                .blames("multivar"));
        }
        (Some(value), None) => (vec![value.clone()], format!("'{value}'")),
        (None, Some(values)) => {
            let values: Vec<String> = match values.as_list() {
                Some(items) => items.iter().map(Value::to_string).collect(),
                None => values.to_string().split(',').map(String::from).collect(),
            };
            let shown: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
            (values, format!("[{}]", shown.join(", ")))
        }
        (None, None) => {
            return Ok(Outcome::failed("One of 'value' and 'multivar' is required").hint("add `- value: …`"));
        }
    };
    let place = Place::of(
        context,
        &arguments.name,
        arguments.repo.as_deref(),
        arguments.global,
        arguments.user.as_deref(),
    )?;
    let (name, key) = (&arguments.name, if arguments.global { "Global key " } else { "" });
    let before = place.values()?;
    if before.as_ref() == Some(&desired) {
        return Ok(Outcome::unchanged(format!("{key}'{name}' is already set to {shown}")));
    }
    for (at, value) in desired.iter().enumerate() {
        let how = if at == 0 { "--replace-all" } else { "--add" };
        match place.act(&[how, name, value], before.as_ref(), Some(&desired)) {
            Ok(()) => {}
            Err(Refusal::Said(words)) => {
                return Ok(Outcome::failed(format!(
                    "Failed to set {}'{name}' to {shown}: {words}",
                    key.to_lowercase()
                ))
                .hint(advice(&words)));
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    let change: Map =
        [("old", Value::from(before.clone())), ("new", desired.clone().into())].into_iter().collect();
    let verb = if before.is_none() { "added as" } else { "set to" };
    let comment = context
        .words(format!("{key}'{name}' was {verb} {shown}"), format!("{key}'{name}' would be {verb} {shown}"));
    Ok(Outcome::unchanged(comment).with(name, change))
}

arguments! {
    /// Keeps a setting unset.
    pub(super) struct Unset {
        /// The setting.
        name: String,
        /// Only values that fit this regular expression.
        value_regex: Option<String>,
        /// The repository, unless the setting is global.
        repo: Option<String>,
        /// As whom git runs; whose setting a global one is.
        user: Option<String>,
        /// Accepted; there are no passwords to give on Linux.
        password: Option<String>,
        /// A setting of the user rather than of a repository.
        global: bool = false,
        /// All of its values.
        all: bool = false,
    }
}

/// See [`Unset`].
pub(super) fn unset(context: &Context<'_>, arguments: Unset) -> Result<Outcome, Failure> {
    let name = arguments.name.trim_start_matches('^').trim_end_matches('$');
    let place =
        Place::of(context, name, arguments.repo.as_deref(), arguments.global, arguments.user.as_deref())?;
    let Some(before) = place.matching(arguments.value_regex.as_deref())? else {
        return Ok(Outcome::unchanged("No matching keys are set"));
    };
    if before.len() > 1 && !arguments.all {
        let values = format!("{name} ({})", before.join(", "));
        return Ok(Outcome::failed(format!(
            "Multivar(s) matched by the key expression (set 'all' to True to force removal): {values}"
        ))
        .hint("add `- all: True`, or choose one with `- value_regex: …`"));
    }
    let how = if arguments.all { "--unset-all" } else { "--unset" };
    let mut command = vec![how, name];
    command.extend(arguments.value_regex.as_deref());
    let all = place.values()?;
    match place.act(&command, all.as_ref(), None) {
        Ok(()) => {}
        Err(Refusal::Said(words)) => {
            return Ok(Outcome::failed(format!("Failed to unset '{name}': {words}")).hint(advice(&words)));
        }
        Err(refusal) => return Err(refusal.into()),
    }
    let comment = context.words("Value(s) successfully unset", "1 key(s) would have value(s) unset");
    Ok(Outcome::unchanged(comment).with(name, before))
}

/// Where a setting is kept.
struct Place<'a> {
    git: Git<'a>,
    name: &'a str,
    repo: Option<&'a str>,
    subject: Subject,
}

impl<'a> Place<'a> {
    fn of(
        context: &'a Context<'a>,
        name: &'a str,
        repo: Option<&'a str>,
        global: bool,
        user: Option<&str>,
    ) -> Result<Self, Failure> {
        let repo = if global { None } else { repo };
        if !global && repo.is_none() {
            return Err(Failure::message("Non-global config options require the 'repo' argument to be set")
                .hint("add `- repo: /path/of/the/checkout`, or `- global: True`"));
        }
        let git = Git::new(context, user);
        let git = repo.map_or_else(|| Git::new(context, user), |repo| git.owned_like(repo));
        let whose = repo.or(git.user()).unwrap_or("global");
        let subject = Subject::new("git-config", format!("{whose} {name}"));
        Ok(Self { git, name, repo, subject })
    }

    /// All values; none when it is not set.
    fn values(&self) -> Result<Option<Vec<String>>, Failure> {
        self.matching(None)
    }

    fn matching(&self, pattern: Option<&str>) -> Result<Option<Vec<String>>, Failure> {
        match self.git.context.host().fact(&self.subject) {
            Some(Fact::Absent) => return Ok(None),
            Some(Fact::Present(values)) => {
                return Ok(Some(values.as_list().unwrap_or_default().iter().map(Value::to_string).collect()));
            }
            _ => {}
        }
        let mut command = self.command(&["--get-all", self.name]);
        command.extend(pattern);
        match self.git.look(&command) {
            Ok(values) => Ok(Some(values.lines().map(String::from).collect())),
            Err(Refusal::Said(_)) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn act(
        &self,
        arguments: &[&str],
        before: Option<&Vec<String>>,
        after: Option<&Vec<String>>,
    ) -> Result<(), Refusal> {
        let fact = |values: Option<&Vec<String>>| {
            values.map_or(Fact::Absent, |values| Fact::Present(values.clone().into()))
        };
        let effect = Effect { subject: self.subject.clone(), before: fact(before), after: fact(after) };
        self.git.act(&self.command(arguments), vec![effect]).map(|_| ())
    }

    fn command<'b>(&'b self, arguments: &[&'b str]) -> Vec<&'b str> {
        let mut command = match self.repo {
            Some(repo) => vec!["-C", repo, "config"],
            None => vec!["config", "--global"],
        };
        command.extend(arguments);
        command
    }
}
