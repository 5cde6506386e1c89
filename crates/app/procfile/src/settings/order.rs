//! What the process types say about each other: which starts after which, and who has which port.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use report::Problem;
use value::Span;

use super::TypeSettings;
use super::reader::cut;
use crate::text::Findings;
use crate::{Procfile, RELEASE};

type Types = IndexMap<String, TypeSettings>;

/// Says what cannot be.
pub(super) fn check(types: &Types, procfile: &Procfile, findings: &mut Findings<'_>) {
    let errors = findings.errors();
    let known: HashSet<&str> = procfile.running().map(|entry| entry.name.as_str()).collect();
    for (name, settings) in types {
        for (other, span) in settings.after.iter().flatten() {
            if findings.is_full() {
                return;
            }
            if name == other || !known.contains(other.as_str()) {
                findings.push(not_after(name, other, procfile).at(*span));
            }
        }
    }
    ports(types, findings);
    if findings.errors() == errors
        && let Some(circle) = circle(types)
    {
        findings.push(in_circle(&circle));
    }
}

/// Why a process type cannot start after another one.
fn not_after(name: &str, other: &str, procfile: &Procfile) -> Problem {
    let error = |what: String| Problem::error("settings.after", what);
    if name == other {
        let problem = error(format!("`{name}` cannot start after itself"));
        return problem.hint("name the process types that have to be ready before it");
    }
    if other == RELEASE {
        let problem = error(format!("`{name}` need not wait for `{RELEASE}`"));
        return problem.why("it has ended before any process starts").hint("remove it");
    }
    let names = || procfile.running().map(|entry| entry.name.as_str()).filter(|known| *known != name);
    let what = format!("`{name}` starts after `{}`, which the Procfile does not have", cut(other));
    let problem = error(what).did_you_mean(other, names());
    let listed: Vec<&str> = names().take(20).collect();
    problem.or_hint(match listed.as_slice() {
        [] => "remove it: there is no other process type".to_string(),
        _ => format!("the others are {}", listed.join(", ")),
    })
}

/// Says which process types have the same first port.
fn ports(types: &Types, findings: &mut Findings<'_>) {
    let mut taken: HashMap<u16, (&str, Span)> = HashMap::new();
    for (name, settings) in types {
        let Some((port, span)) = settings.port else { continue };
        if let Some((other, first)) = taken.insert(port, (name, span)) {
            let what = format!("`{other}` and `{name}` have the same port, {port}");
            let problem = Problem::error("settings.port", what).at(span).label("again here");
            findings.push(problem.related(first, "first here").hint("give one of them another port"));
        }
    }
}

/// One that waits, for which, and where that is said.
type Wait<'t> = (&'t str, &'t str, Span);

/// Process types that wait for each other, in a circle; the first there is.
fn circle(types: &Types) -> Option<Vec<Wait<'_>>> {
    let waits = |name: &'_ str| types.get(name).into_iter().flat_map(|one| one.after.iter().flatten());
    let mut done: HashSet<&str> = HashSet::new();
    for start in types.keys() {
        // Those that are being looked at, each with what it still has to be followed to.
        let mut path = vec![(start.as_str(), waits(start))];
        let mut on_path: HashSet<&str> = HashSet::from([start.as_str()]);
        let mut steps: Vec<Wait<'_>> = Vec::new();
        while let Some((name, rest)) = path.last_mut() {
            let name = *name;
            let Some((other, span)) = rest.find(|(other, _)| !done.contains(other.as_str())) else {
                done.insert(name);
                on_path.remove(name);
                path.pop();
                steps.pop();
                continue;
            };
            steps.push((name, other, *span));
            if on_path.contains(other.as_str()) {
                let begin = steps.iter().position(|(waiting, ..)| *waiting == other.as_str())?;
                return Some(steps.split_off(begin));
            }
            on_path.insert(other);
            path.push((other, waits(other)));
        }
    }
    None
}

fn in_circle(circle: &[Wait<'_>]) -> Problem {
    const SHOWN: usize = 8;
    let mut steps = circle.iter();
    let (name, other, span) = steps.next().copied().unwrap_or(("", "", Span::NONE));
    let mut what = format!("process types wait for each other: `{name}` starts after `{other}`");
    let mut problem = Problem::error("settings.circle", String::new()).at(span);
    for (number, (_, other, span)) in steps.enumerate() {
        if number < SHOWN {
            what += &format!(", that after `{other}`");
            problem = problem.related(*span, "and here");
        } else if number == SHOWN {
            what += ", and so on";
        }
    }
    problem.what = what;
    problem.hint("remove one of them: something has to start first")
}
