//! What an `include` entry means: relative names, other saltenvs, patterns.

use std::sync::Arc;

use report::{Problem, Problems};
use value::{Data, Span, Value};

use crate::high::Home;
use crate::{Catalogue, Matches};

/// The key that stands for "whichever saltenv of this minion has it".
const ANY_SALTENV: &str = "_xenv";

/// An SLS to load.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) saltenv: Arc<str>,
    pub(crate) sls: Arc<str>,
    pub(crate) span: Span,
}

/// The SLS whose includes are resolved.
pub(crate) struct Includer<'a> {
    pub(crate) home: &'a Home,
    pub(crate) is_init: bool,
}

impl Includer<'_> {
    /// The SLS that one entry of `include` means.
    pub(crate) fn resolve(
        &self,
        entry: &Value,
        catalogue: &Catalogue<'_>,
        matches: &Matches,
        problems: &mut Problems,
    ) -> Vec<Wanted> {
        let Some((saltenv, name)) = self.parts(entry, problems) else { return Vec::new() };
        if saltenv != ANY_SALTENV && !catalogue.has_saltenv(saltenv) {
            problems.push(
                self.problem(
                    "sls.include-no-saltenv",
                    format!("Nonexistent saltenv '{saltenv}' found in include of '{name}'"),
                    entry,
                )
                .did_you_mean(saltenv, catalogue.saltenvs().iter().map(String::as_str))
                .or_hint("name its folder in the configuration, under `file_roots`"),
            );
            return Vec::new();
        }
        let Some(sls) = absolute(name, &self.home.sls, self.is_init) else {
            problems.push(
                self.problem(
                    "sls.include-beyond-top",
                    format!("relative include of '{name}' goes beyond the top of the tree"),
                    entry,
                )
                .why("each dot stands for one folder up, the first one for the SLS's own")
                .hint("write the name from the tree's root, without leading dots"),
            );
            return Vec::new();
        };
        let Some(saltenv) = self.saltenv_of(saltenv, &sls, entry, catalogue, matches, problems) else {
            return Vec::new();
        };
        let listing = catalogue.listing(&saltenv, problems);
        let found = listing.matching(&sls);
        let names = if found.is_empty() { vec![sls.as_str()] } else { found };
        let wanted =
            |name: &str| Wanted { saltenv: Arc::clone(&saltenv), sls: name.into(), span: entry.span };
        names.into_iter().map(wanted).collect()
    }

    fn parts<'v>(&'v self, entry: &'v Value, problems: &mut Problems) -> Option<(&'v str, &'v str)> {
        match &entry.data {
            Data::Str(name) => return Some((&self.home.saltenv, name)),
            Data::Map(map) => {
                if let Some((key, value)) = map.iter().next_back()
                    && let (Some(saltenv), Some(name)) = (key.as_str(), value.as_str())
                {
                    return Some((saltenv, name));
                }
            }
            _ => {}
        }
        problems.push(
            self.problem("sls.include-form", format!("an include is no name: {entry}"), entry)
                .hint("write `- name`, or `- saltenv: name`"),
        );
        None
    }

    /// The one saltenv to take it from.
    fn saltenv_of(
        &self,
        saltenv: &str,
        sls: &str,
        entry: &Value,
        catalogue: &Catalogue<'_>,
        matches: &Matches,
        problems: &mut Problems,
    ) -> Option<Arc<str>> {
        let has = |saltenv: &str, problems: &mut Problems| {
            !catalogue.listing(saltenv, problems).matching(sls).is_empty()
        };
        let found: Vec<&str> = if saltenv == ANY_SALTENV {
            matches.saltenvs().filter(|saltenv| has(saltenv, problems)).collect()
        } else if matches.uses(saltenv) || saltenv == &*self.home.saltenv || has(saltenv, problems) {
            vec![saltenv]
        } else {
            Vec::new()
        };
        match found.as_slice() {
            [one] => Some((*one).into()),
            many if many.contains(&&*self.home.saltenv) => Some(Arc::clone(&self.home.saltenv)),
            [] => {
                let listing = catalogue.listing(saltenv, problems);
                problems.push(
                    self.problem(
                        "sls.include-unknown",
                        format!("Unknown include: Specified SLS {saltenv}: {sls} is not available"),
                        entry,
                    )
                    .did_you_mean(sls, listing.names.iter().map(String::as_str))
                    .or_hint("write the file, or name the saltenv that has it: `- saltenv: name`"),
                );
                None
            }
            many => {
                problems.push(
                    self.problem(
                        "sls.include-ambiguous",
                        format!("Ambiguous include: Specified SLS {saltenv}: {sls} is in several saltenvs"),
                        entry,
                    )
                    .why(format!("it is in {}", many.join(", ")))
                    .hint("name the saltenv: `- saltenv: name`"),
                );
                None
            }
        }
    }

    fn problem(&self, code: &'static str, what: String, entry: &Value) -> Problem {
        Problem::error(code, format!("{what} within SLS '{}:{}'", self.home.saltenv, self.home.sls))
            .at(entry.span)
    }
}

/// The name without leading dots: each stands for one step up from the SLS that includes. `None` beyond the
/// top.
pub fn absolute(name: &str, from: &str, from_init: bool) -> Option<String> {
    let rest = name.trim_start_matches('.');
    let levels = name.len() - rest.len();
    if levels == 0 {
        return Some(name.into());
    }
    let mut parts: Vec<&str> = from.split('.').collect();
    if from_init {
        parts.push("init");
    }
    parts.truncate(parts.len().checked_sub(levels)?);
    parts.push(rest);
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn relative_names() {
        let cases = [
            ("db", "web.nginx", false, Some("db")),
            (".config", "web.nginx", false, Some("web.config")),
            (".config", "web", true, Some("web.config")),
            ("..db", "web.nginx", false, Some("db")),
            ("..db", "web", true, Some("db")),
            ("..db", "web.nginx", true, Some("web.db")),
            (".db", "web", false, Some("db")),
            ("..db", "web", false, None),
        ];
        for (name, from, init, sls) in cases {
            assert_eq!(absolute(name, from, init).as_deref(), sls, "{name} from {from}");
        }
    }
}
