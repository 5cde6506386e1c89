//! Config vars: the environment of an app's processes, and who set what.
//!
//! Layers, weakest first: the process environment of Pinch itself; env files, of several the later wins; what the
//! app's definition sets; the command line (`-e NAME=VALUE`). That `.env` wins over the process environment is foreman's, honcho's
//! and overmind's order; Compose has it the other way round, which is [`Precedence::ProcessEnvironment`].
//!
//! Each variable knows where its value comes from and what it overrode. Values are [`Secret`]s: they print as
//! asterisks, and [`ConfigVar::shown`] covers only what [looks secret](crate::looks_secret).

use std::collections::BTreeMap;

use report::{Problem, Problems, Sources};
use value::{Secret, Span};

use crate::dotenv::LONGEST_VARIABLE;
use crate::secrets::{cover, secret_parts};
use crate::{EnvFile, Precedence, mask};

/// Who sets a variable; weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The environment that Pinch was started in.
    ProcessEnvironment,
    /// An env file.
    EnvFile,
    /// The app's definition.
    App,
    /// `-e NAME=VALUE`.
    CommandLine,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who set it.
    pub layer: Layer,
    /// Where it stands; none for the process environment.
    pub span: Span,
}

impl Origin {
    /// In words: `.env:3:1`, `process environment`.
    pub fn describe(&self, sources: &Sources) -> String {
        let layer = match self.layer {
            Layer::ProcessEnvironment => "process environment",
            Layer::EnvFile => "env file",
            Layer::App => "app definition",
            Layer::CommandLine => "command line",
        };
        match (self.layer, sources.locate(self.span)) {
            (Layer::EnvFile | Layer::App, Some(location)) => location.to_string(),
            _ => layer.to_string(),
        }
    }
}

/// One config var.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigVar {
    /// Its name.
    pub name: String,
    /// The value that counts.
    pub value: Secret<String>,
    /// Where that comes from.
    pub origin: Origin,
    /// Values that do not count, the strongest of them first.
    pub overridden: Vec<(Origin, Secret<String>)>,
}

impl ConfigVar {
    /// The value as it may be shown.
    pub fn shown(&self) -> String {
        mask(&self.name, self.value.reveal())
    }
}

/// The config vars of an app.
#[derive(Clone, Debug, Default)]
pub struct ConfigVars {
    precedence: Precedence,
    vars: BTreeMap<String, ConfigVar>,
}

impl ConfigVars {
    /// None yet.
    pub fn new(precedence: Precedence) -> Self {
        Self { precedence, vars: BTreeMap::new() }
    }

    /// Adds the environment that Pinch was started in.
    pub fn add_process_environment(&mut self, vars: impl IntoIterator<Item = (String, String)>) {
        let origin = Origin { layer: Layer::ProcessEnvironment, span: Span::NONE };
        vars.into_iter().for_each(|(name, value)| self.set(name, value, origin));
    }

    /// Adds an env file; it wins over the env files that were added before. Names whose value it takes from the
    /// process environment change nothing.
    pub fn add_env_file(&mut self, file: &EnvFile) {
        for var in file.vars().filter(|var| !var.inherited) {
            let origin = Origin { layer: Layer::EnvFile, span: var.name_span };
            self.set(var.name.clone(), var.value.reveal().clone(), origin);
        }
    }

    /// Adds what the app's definition sets at `span`.
    pub fn add_app(&mut self, name: &str, value: &str, span: Span) {
        self.set(name.to_string(), value.to_string(), Origin { layer: Layer::App, span });
    }

    /// Adds `NAME=VALUE` from the command line; later ones win. Each text is registered in `sources` as
    /// `<command line>`, secrets covered.
    pub fn add_command_line<'a>(
        &mut self,
        assignments: impl IntoIterator<Item = &'a str>,
        sources: &Sources,
        problems: &mut Problems,
    ) {
        for text in assignments {
            match assignment(text, sources) {
                Err(problem) => problems.push(problem),
                Ok((name, value, span, warning)) => {
                    problems.extend(warning);
                    let origin = Origin { layer: Layer::CommandLine, span };
                    self.set(name.to_string(), value.to_string(), origin);
                }
            }
        }
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&ConfigVar> {
        self.vars.get(name)
    }

    /// All of them by name.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigVar> {
        self.vars.values()
    }

    /// Those that somebody set for the app: not merely the process environment.
    pub fn declared(&self) -> impl Iterator<Item = &ConfigVar> {
        self.iter().filter(|var| {
            let others = var.overridden.iter().map(|(origin, _)| origin);
            std::iter::once(&var.origin).chain(others).any(|origin| origin.layer != Layer::ProcessEnvironment)
        })
    }

    /// Names and values by name, as a process gets them. They are secrets no longer.
    pub fn reveal(&self) -> Vec<(String, String)> {
        self.iter().map(|var| (var.name.clone(), var.value.reveal().clone())).collect()
    }

    /// Puts a value among those that a name has, by the strength of its layer.
    fn set(&mut self, name: String, value: String, origin: Origin) {
        let value = Secret::new(value);
        let precedence = self.precedence;
        match self.vars.entry(name) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let name = vacant.key().clone();
                vacant.insert(ConfigVar { name, value, origin, overridden: Vec::new() });
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let var = occupied.get_mut();
                let weaker = |other: Layer| strength(other, precedence) <= strength(origin.layer, precedence);
                if weaker(var.origin.layer) {
                    let before = (var.origin, std::mem::replace(&mut var.value, value));
                    var.origin = origin;
                    var.overridden.insert(0, before);
                } else {
                    let place = var.overridden.iter().position(|(other, _)| weaker(other.layer));
                    var.overridden.insert(place.unwrap_or(var.overridden.len()), (origin, value));
                }
            }
        }
    }
}

/// How strong a layer is among the others.
fn strength(layer: Layer, precedence: Precedence) -> u8 {
    match (layer, precedence) {
        (Layer::ProcessEnvironment, Precedence::EnvFile) => 0,
        (Layer::EnvFile, _) => 1,
        (Layer::ProcessEnvironment, Precedence::ProcessEnvironment) => 2,
        (Layer::App, _) => 3,
        (Layer::CommandLine, _) => 4,
    }
}

/// Name, value and place of an assignment, and what looks mistaken about it.
fn assignment<'t>(
    text: &'t str,
    sources: &Sources,
) -> Result<(&'t str, &'t str, Span, Option<Problem>), Problem> {
    let equals = text.find('=');
    let (name, value) = (&text[..equals.unwrap_or(text.len())], equals.map_or("", |at| &text[at + 1..]));
    let begin = text.len() - value.len();
    let parts = secret_parts(name, value).into_iter().map(|part| begin + part.start..begin + part.end);
    let source = sources.add("<command line>", cover(text, parts));
    let span = Span::new(source, 0, name.len());
    let problem =
        |what: String| Err(Problem::error("config.assignment", what).at(Span::new(source, 0, text.len())));
    if equals.is_none() {
        return problem(format!("`{}` sets no variable", mask("", text)))
            .map_err(|problem| problem.hint("write `NAME=VALUE`; env files have an option of their own"));
    }
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return problem("this is no name of a variable".into())
            .map_err(|problem| problem.hint("write `NAME=VALUE`"));
    }
    if text.contains('\0') || text.len() + 1 > LONGEST_VARIABLE {
        return problem(format!("`{name}` cannot be passed to a program")).map_err(|problem| {
            problem.why(format!("a variable has no NUL byte and at most {LONGEST_VARIABLE} bytes"))
        });
    }
    let usual = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let warning = (!name.chars().all(usual) || name.starts_with(|c: char| c.is_ascii_digit())).then(|| {
        Problem::warning("config.name", format!("a shell cannot read a variable called `{name}`"))
            .at(span)
            .hint("names have letters, digits and `_`, and begin with no digit")
    });
    Ok((name, value, span, warning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EnvContext, EnvFormat};

    fn file(name: &str, text: &str, sources: &Sources) -> EnvFile {
        let context = EnvContext {
            format: EnvFormat::Compose,
            precedence: Precedence::EnvFile,
            process: &|name| (name == "FROM_OUTSIDE").then(|| "outside".to_string()),
            earlier: &[],
        };
        EnvFile::parse(name, text.as_bytes(), &context, sources, &mut Problems::new()).expect("a file")
    }

    fn config(precedence: Precedence, sources: &Sources) -> ConfigVars {
        let mut config = ConfigVars::new(precedence);
        // In no order: the layer decides, not the call.
        config.add_command_line(["D=cli"], sources, &mut Problems::new());
        config.add_env_file(&file(".env", "A=file\nB=file\nC=file\nD=file\nFROM_OUTSIDE\n", sources));
        config.add_env_file(&file(".env.local", "B=local\n", sources));
        config.add_app("C", "app", Span::NONE);
        let process = ["A", "B", "C", "D", "E", "FROM_OUTSIDE"];
        config.add_process_environment(process.map(|name| (name.to_string(), "outside".to_string())));
        config
    }

    #[test]
    fn each_layer_wins_over_those_before_it() {
        let sources = Sources::new();
        let value = |precedence, name| config(precedence, &sources).get(name).map(ConfigVar::shown);
        for (name, by_file, by_process) in [
            ("A", "file", "outside"),
            ("B", "local", "outside"),
            ("C", "app", "app"),
            ("D", "cli", "cli"),
            ("E", "outside", "outside"),
        ] {
            assert_eq!(value(Precedence::EnvFile, name).as_deref(), Some(by_file), "{name}");
            assert_eq!(value(Precedence::ProcessEnvironment, name).as_deref(), Some(by_process), "{name}");
        }
    }

    #[test]
    fn variables_know_their_origin_and_what_they_overrode() {
        let sources = Sources::new();
        let config = config(Precedence::EnvFile, &sources);
        let origins = |name| {
            let var = config.get(name).expect(name);
            let others = var.overridden.iter().map(|(origin, _)| origin.describe(&sources));
            std::iter::once(var.origin.describe(&sources)).chain(others).collect::<Vec<_>>()
        };
        assert_eq!(origins("B"), [".env.local:1:1", ".env:2:1", "process environment"]);
        assert_eq!(origins("D"), ["command line", ".env:4:1", "process environment"]);
        assert_eq!(origins("FROM_OUTSIDE"), ["process environment"]);
        let declared: Vec<_> = config.declared().map(|var| var.name.as_str()).collect();
        assert_eq!(declared, ["A", "B", "C", "D"]);
    }

    #[test]
    fn values_do_not_print() {
        let sources = Sources::new();
        let mut config = ConfigVars::new(Precedence::EnvFile);
        config.add_command_line(
            ["API_KEY=hunter2", "URL=redis://:hunter2@h"],
            &sources,
            &mut Problems::new(),
        );
        assert!(!format!("{config:?}").contains("hunter2"));
        let shown: Vec<_> = config.iter().map(ConfigVar::shown).collect();
        assert_eq!(shown, ["********", "redis://:********@h"]);
        assert_eq!(config.reveal()[0].1, "hunter2");
    }

    #[test]
    fn assignments_that_are_none() {
        for (text, expected) in [
            (".env", "`.env` sets no variable"),
            ("=x", "no name"),
            ("A B=x", "no name"),
            ("API_KEY=hunt\0er2", "cannot be passed"),
            ("A-B=x", "warning: a shell cannot read"),
        ] {
            let (sources, mut problems) = (Sources::new(), Problems::new());
            ConfigVars::default().add_command_line([text], &sources, &mut problems);
            let said: String = problems
                .iter()
                .map(|problem| report::render(problem, &sources, report::Style::Plain))
                .collect();
            assert!(said.contains(expected) && !said.contains("hunt"), "{said}");
        }
    }
}
