//! From bytes to mappings whose keys are known, and what is wrong with a value.

use std::collections::HashSet;

use indexmap::IndexMap;
use report::{Problem, Problems, Sources};
use value::{Data, Map, Span, Value};

use super::{TypeSettings, conceal, keys, order};
use crate::text::{self, Findings};
use crate::{Procfile, RELEASE, mask};

/// Keys that mean something for a process that is run once.
const OF_RELEASE: [&str; 4] = ["directory", "environment", "user", "umask"];

/// The longest value that is shown in a message, in characters.
const LONGEST_SHOWN: usize = 60;

/// The settings of each process type; `None` if there is an error among the problems.
pub(super) fn read(
    name: &str,
    bytes: &[u8],
    procfile: &Procfile,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<IndexMap<String, TypeSettings>> {
    let longest = super::Settings::LONGEST;
    let text = match text::decode(name, bytes, longest, sources, conceal::covered) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let source = sources.add(name, conceal::covered(text));
    let root = match render::yaml::load(text, &render::yaml::PlainText(source)) {
        Ok(root) => root,
        Err(error) => {
            problems.push(Problem::from(error).or_hint("check this line and the one above it"));
            return None;
        }
    };
    let mut reader = Reader { name, text, findings: Findings::new(name, problems) };
    let types = reader.types(&root, procfile);
    order::check(&types, procfile, &mut reader.findings);
    reader.findings.finish().then_some(types)
}

pub(super) struct Reader<'r> {
    name: &'r str,
    text: &'r str,
    pub(super) findings: Findings<'r>,
}

/// A value and the key it stands under.
#[derive(Clone, Copy)]
pub(super) struct Field<'v> {
    /// The key, one of those that are known.
    pub(super) key: &'v str,
    pub(super) key_span: Span,
    pub(super) value: &'v Value,
}

impl Field<'_> {
    /// Where a mistake in it is marked: the value where it is one word, else the key.
    pub(super) fn span(&self) -> Span {
        match &self.value.data {
            Data::Null | Data::List(_) | Data::Map(_) => self.key_span,
            _ => self.value.span.or(self.key_span),
        }
    }
}

impl Reader<'_> {
    fn types(&mut self, root: &Value, procfile: &Procfile) -> IndexMap<String, TypeSettings> {
        let mut types = IndexMap::new();
        if !matches!(root.data, Data::Null | Data::Map(_)) {
            let what = format!("{} is {}, not a mapping", self.name, root.kind());
            let problem = Problem::error("settings.type", what).at(self.first_line(root.span));
            self.findings.push(problem.hint("begin with `processes:` and name process types below it"));
            return types;
        }
        let names: HashSet<&str> = procfile.entries().iter().map(|entry| entry.name.as_str()).collect();
        for top in self.known(root, &["processes"], self.name) {
            let Some(map) = self.map(&top, "name process types below it, each with its settings") else {
                continue;
            };
            for (key, entry) in map.entries() {
                if self.findings.is_full() {
                    break;
                }
                let name = self.key(key, entry.key_span);
                let field = Field { key: &name, key_span: entry.key_span, value: &entry.value };
                if !names.contains(name.as_str()) {
                    self.findings.push(no_such_type(&name, procfile).at(entry.key_span));
                    continue;
                }
                let settings = self.settings(&field);
                types.insert(name, settings);
            }
        }
        types
    }

    /// The settings of one process type.
    fn settings(&mut self, of: &Field<'_>) -> TypeSettings {
        let mut settings = TypeSettings::default();
        if self.map(of, "write its settings below it, such as `ready: port`").is_none() {
            return settings;
        }
        for field in self.known(of.value, &keys::ALL, &format!("`{}`", of.key)) {
            if of.key == RELEASE && !OF_RELEASE.contains(&field.key) {
                let what = format!("`{}` has no meaning for `{RELEASE}`", field.key);
                let problem = Problem::error("settings.release", what).at(field.key_span);
                let problem = problem.why("it is run once, to its end, before a release");
                self.findings.push(problem.hint(format!("it takes {}", OF_RELEASE.join(", "))));
                continue;
            }
            keys::read(self, &field, &mut settings);
        }
        keys::check(self, of, &settings);
        settings
    }

    /// The mapping under a key; an empty one where nothing stands. Says so if it is none.
    pub(super) fn map<'v>(&mut self, field: &Field<'v>, hint: &str) -> Option<&'v Map> {
        static EMPTY: Map = Map::new();
        match &field.value.data {
            Data::Map(map) => Some(map),
            Data::Null => Some(&EMPTY),
            _ => {
                let what = format!("`{}` is {}, not a mapping", field.key, field.value.kind());
                self.findings.push(Problem::error("settings.type", what).at(field.span()).hint(hint));
                None
            }
        }
    }

    /// The keys of a mapping that are known; says which are not.
    pub(super) fn known<'v>(
        &mut self,
        value: &'v Value,
        known: &[&'static str],
        whose: &str,
    ) -> Vec<Field<'v>> {
        let mut fields = Vec::new();
        for (key, entry) in value.as_map().into_iter().flat_map(Map::entries) {
            if self.findings.is_full() {
                break;
            }
            let name = self.key(key, entry.key_span);
            match known.iter().find(|known| **known == name) {
                Some(key) => fields.push(Field { key, key_span: entry.key_span, value: &entry.value }),
                None => {
                    let what = format!("`{}` is no key of {whose}", cut(&name));
                    let problem = Problem::error("settings.unknown-key", what).at(entry.key_span);
                    let problem = problem.did_you_mean(&name, known.iter().copied());
                    self.findings.push(problem.or_hint(match known {
                        [only] => format!("there is only `{only}`"),
                        _ => format!("there are {}", known.join(", ")),
                    }));
                }
            }
        }
        fields
    }

    /// Says that a value is none of its key.
    pub(super) fn mistake(&mut self, field: &Field<'_>, hint: impl Into<String>) {
        self.findings.push(self.wrong(field).hint(hint));
    }

    /// A value that is none of its key, without advice yet.
    pub(super) fn wrong(&self, field: &Field<'_>) -> Problem {
        let key = field.key;
        let what = match &field.value.data {
            Data::Null => format!("`{key}` has no value"),
            Data::List(_) | Data::Map(_) => format!("`{key}` cannot be {}", field.value.kind()),
            _ => format!("`{}` is no value of `{key}`", cut(&mask(key, &self.written(field.value)))),
        };
        Problem::error("settings.value", what).at(field.span())
    }

    /// A scalar as it is written, without quotes, anchor and tag.
    pub(super) fn written(&self, value: &Value) -> String {
        let meant = || value.to_string();
        match value.data {
            Data::Bool(_) | Data::Int(_) | Data::Big(_) | Data::Float(_) => {
                let word = self.at(value.span).and_then(|text| text.split_whitespace().last());
                word.map_or_else(meant, |word| word.trim_matches(['"', '\'']).to_string())
            }
            _ => meant(),
        }
    }

    /// A key as it is written: `on` is no boolean where names stand.
    pub(super) fn key(&self, key: &value::Key, span: Span) -> String {
        match key.as_str() {
            Some(text) => text.to_string(),
            None => self.at(span).map_or_else(|| key.to_string(), |text| text.trim().to_string()),
        }
    }

    fn at(&self, span: Span) -> Option<&str> {
        self.text.get(span.start as usize..span.end as usize).filter(|text| !text.is_empty())
    }

    /// What of a span stands on its first line.
    fn first_line(&self, span: Span) -> Span {
        let length = self.at(span).and_then(|text| text.lines().next()).map_or(0, str::len);
        Span::new(span.source, span.start as usize, span.start as usize + length)
    }
}

/// A text that can stand in a message of one line.
pub(super) fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST_SHOWN).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

fn no_such_type(name: &str, procfile: &Procfile) -> Problem {
    let names = || procfile.entries().iter().map(|entry| entry.name.as_str());
    let what = format!("no process type is called `{}`", cut(name));
    let problem = Problem::error("settings.no-such-type", what).did_you_mean(name, names());
    match procfile.entries().len() {
        count @ 0..=20 => {
            let listed = names().collect::<Vec<_>>().join(", ");
            problem.or_hint(if count == 1 {
                format!("there is only {listed}")
            } else {
                format!("there are {listed}")
            })
        }
        many => problem.or_hint(format!("there are {many}, but not this one")),
    }
}
