//! Formation: how many processes of each type run, `web=2,worker=1`.
//!
//! Starting an app, types that a formation does not name run as often as `all` says, and not at all without `all`: that is
//! foreman's rule, so that `web=1` starts the web processes alone. (honcho and overmind run one of each unnamed
//! type; write `all=1,web=2` for that.) Without any formation one process of each type runs.
//!
//! Scaling a running app, types that are not named stay as they are, unless `all` is given.

use std::ops::Range;

use report::{Problem, Problems, Sources};
use value::{SourceId, Span};

use crate::text::{self, Findings};
use crate::{ProcessType, RELEASE, check_name};

/// How many processes of which type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formation {
    all: Option<u32>,
    /// In the order they were named.
    types: Vec<Named>,
}

/// One `NAME=COUNT`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    count: u32,
    span: Span,
}

impl Formation {
    /// The most processes of one type.
    pub const MOST: u32 = 1000;
    /// The longest formation that is read, in bytes.
    pub const LONGEST: usize = 16 * 1024;

    /// Reads `NAME=COUNT,…`, white space anywhere. `place` is what a person calls the text (`--formation`, `scale`); it
    /// is registered in `sources`. `None` if there is an error among the problems.
    pub fn parse(place: &str, text: &str, sources: &Sources, problems: &mut Problems) -> Option<Self> {
        let text = match text::decode(place, text.as_bytes(), Self::LONGEST, sources, text::as_it_is) {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let source = sources.add(place, text);
        let mut findings = Findings::new(place, problems);
        let mut formation = Self::default();
        let mut seen: Vec<Named> = Vec::new();
        for item in items(text) {
            match read(text, item, source) {
                Err(problem) => findings.push(problem),
                Ok(named) => match seen.iter().find(|other| other.name == named.name) {
                    Some(first) => {
                        let what = format!("`{}` is given twice", named.name);
                        findings.push(
                            Problem::error("formation.twice", what)
                                .at(named.span)
                                .related(first.span, "first here")
                                .hint("give one count for it"),
                        );
                    }
                    None => seen.push(named),
                },
            }
        }
        if seen.is_empty() && !findings.has_errors() {
            findings.push(
                Problem::error("formation.empty", "the formation is empty")
                    .on(place)
                    .hint("write `web=2,worker=1`, or `all=1`"),
            );
        }
        formation.all = seen.iter().find(|named| named.name == ALL).map(|named| named.count);
        formation.types = seen.into_iter().filter(|named| named.name != ALL).collect();
        findings.finish().then_some(formation)
    }

    /// A formation that gives every type the same count.
    pub fn of_all(count: u32) -> Self {
        Self { all: Some(count.min(Self::MOST)), types: Vec::new() }
    }

    /// What `all` says.
    pub fn all(&self) -> Option<u32> {
        self.all
    }

    /// The types that are named, in the order given, with their counts.
    pub fn types(&self) -> impl Iterator<Item = (&str, u32)> {
        self.types.iter().map(|named| (named.name.as_str(), named.count))
    }

    /// Sets the counts for a start: types that are not named get what `all` says, or 0. Names of no type are
    /// problems, and then nothing is set.
    pub fn start(&self, types: &mut [ProcessType], problems: &mut Problems) {
        self.set(types, Some(self.all.unwrap_or(0)), problems);
    }

    /// Sets the counts of a running app: types that are not named keep theirs unless `all` is given. Names of no
    /// type are problems, and then nothing is set.
    pub fn scale(&self, types: &mut [ProcessType], problems: &mut Problems) {
        self.set(types, self.all, problems);
    }

    fn set(&self, types: &mut [ProcessType], unnamed: Option<u32>, problems: &mut Problems) {
        let unknown = self.types.iter().filter(|named| !types.iter().any(|known| known.name == named.name));
        let unknown: Vec<_> = unknown.map(|named| no_such_type(named, types)).collect();
        if !unknown.is_empty() {
            problems.extend(unknown);
            return;
        }
        for known in types {
            let named = self.types.iter().find(|named| named.name == known.name).map(|named| named.count);
            known.count = named.or(unnamed).unwrap_or(known.count);
        }
    }
}

/// The name that means every type.
const ALL: &str = "all";

/// The parts between commas, white space trimmed; empty ones at the end are passed over.
fn items(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let last = text.trim_end_matches(|c: char| c == ',' || c.is_whitespace()).len();
    text[..last].split(',').filter(move |_| last > 0).map(move |part| {
        let begin = start + part.len() - part.trim_start().len();
        let item = begin..begin + part.trim().len();
        start += part.len() + 1;
        item
    })
}

fn read(text: &str, item: Range<usize>, source: SourceId) -> Result<Named, Problem> {
    let part = &text[item.clone()];
    let span = Span::new(source, item.start, item.end);
    let Some((name, count)) = part.split_once('=') else {
        let name = part
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
            .next()
            .unwrap_or_default();
        let count = part.trim_start_matches(|c: char| !c.is_ascii_digit());
        let example = match (check_name(name), count.parse::<u32>()) {
            (Ok(()), Ok(count)) if part.contains(':') => format!("write `{name}={count}`"),
            (Ok(()), _) => format!("write `{name}=1`"),
            _ => "write `NAME=COUNT`, such as `web=2`".to_string(),
        };
        return Err(Problem::error("formation.no-count", format!("`{part}` gives no count"))
            .at(span)
            .hint(example));
    };
    let (name, count) = (name.trim(), count.trim());
    if let Err(error) = check_name(name) {
        return Err(Problem::error("formation.name", error.to_string())
            .at(span)
            .hint("write `NAME=COUNT`, such as `web=2`"));
    }
    if name == RELEASE {
        return Err(Problem::error("formation.release", "`release` does not run in a formation")
            .at(span)
            .why("it is run once, before a release"));
    }
    match count.parse::<u32>() {
        Ok(count) if count <= Formation::MOST => Ok(Named { name: name.to_string(), count, span }),
        _ => {
            let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            let what = if digits {
                format!("{count} processes of `{name}` are too many")
            } else {
                format!("`{count}` is no count")
            };
            let hint = format!("give a number from 0 to {}", Formation::MOST);
            Err(Problem::error("formation.count", what).at(span).hint(hint))
        }
    }
}

fn no_such_type(named: &Named, types: &[ProcessType]) -> Problem {
    let names = || types.iter().map(|known| known.name.as_str());
    let problem =
        Problem::error("formation.no-such-type", format!("no process type is called `{}`", named.name))
            .at(named.span)
            .did_you_mean(&named.name, names());
    match types.len() {
        0 => problem,
        1..=20 => problem.or_hint(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
        many => problem.or_hint(format!("there are {many}, but not this one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CommandLine;

    fn types() -> Vec<ProcessType> {
        ["web", "worker", "clock"]
            .map(|name| ProcessType::new(name, CommandLine::Shell("true".into())))
            .to_vec()
    }

    fn counts(text: &str, running: bool) -> Vec<u32> {
        let (sources, mut problems, mut types) = (Sources::new(), Problems::new(), types());
        types[1].count = 7;
        let formation = Formation::parse("-m", text, &sources, &mut problems).expect(text);
        if running {
            formation.scale(&mut types, &mut problems);
        } else {
            formation.start(&mut types, &mut problems);
        }
        assert!(problems.is_empty());
        types.iter().map(|known| known.count).collect()
    }

    fn problem(text: &str) -> String {
        let (sources, mut problems) = (Sources::new(), Problems::new());
        if let Some(formation) = Formation::parse("-m", text, &sources, &mut problems) {
            let mut types = types();
            formation.start(&mut types, &mut problems);
            assert!(types.iter().all(|known| known.count == 1), "nothing is set");
        }
        problems.iter().map(|problem| report::render(problem, &sources, report::Style::Plain)).collect()
    }

    #[test]
    fn unnamed_types_run_as_all_says_or_not_at_all() {
        assert_eq!(counts("web=2", false), [2, 0, 0]);
        assert_eq!(counts("all=1, web=3", false), [3, 1, 1]);
        assert_eq!(counts(" all = 2 ,", false), [2, 2, 2]);
        assert_eq!(counts("web=0,worker=1000", false), [0, 1000, 0]);
    }

    #[test]
    fn scaling_leaves_unnamed_types_alone() {
        assert_eq!(counts("web=2", true), [2, 7, 1]);
        assert_eq!(counts("all=0,web=2", true), [2, 0, 0]);
    }

    #[test]
    fn mistakes_have_hints() {
        assert_eq!(
            problem("web=2,wroker=1"),
            "error: no process type is called `wroker`\n --> -m:1:7\n  |\n1 | web=2,wroker=1\n  |       ^^^^^^^^\n  |\n  \
             = help: did you mean `worker`?\n"
        );
        assert!(problem("zzz=1").contains("there are web, worker, clock"));
        assert!(problem("web:2").contains("write `web=2`"));
        assert!(problem("web").contains("write `web=1`"));
        assert!(problem("web=1001").contains("1001 processes of `web` are too many"));
        assert!(problem("web=99999999999").contains("too many"));
        assert!(problem("web=-1").contains("`-1` is no count"));
        assert!(problem("web=1,web=2").contains("first here"));
        assert!(problem("release=1").contains("run once"));
        assert!(problem("web=1,,worker=1").contains("gives no count"));
        assert!(problem("").contains("the formation is empty"));
        assert!(problem(",").contains("the formation is empty"));
    }
}
