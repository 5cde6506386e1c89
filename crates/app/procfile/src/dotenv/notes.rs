//! Where programs that read env files disagree, and what to write instead.

use report::Problem;
use value::{SourceId, Span};

use super::evaluate::shown;
use super::interpolate::{Lookup, Substituted};
use super::print::best_line;
use super::readers::{READERS, Reading};
use super::scan::{Statement, Written};
use crate::text::Findings;

/// Notes about the file as a whole: its byte order mark, its line ends.
pub(super) fn of_the_file(text: &str, marked: bool, source: SourceId, findings: &mut Findings<'_>) {
    if marked {
        let problem = Problem::note("env.byte-order-mark", "the file begins with a byte order mark")
            .at(Span::new(source, 0, 0))
            .why("foreman, honcho and bash do not read its first variable, and node has the mark in the name")
            .hint("save the file as UTF-8 without it");
        findings.push(problem);
    }
    if let Some(at) = text.find("\r\n") {
        let problem = Problem::note("env.line-ends", "lines end with CR LF")
            .at(Span::new(source, at, at))
            .why("bash takes the CR for a part of each value")
            .hint("save the file with line ends of Unix (LF)");
        findings.push(problem);
    }
}

/// A note about a statement, unless everybody reads it as Pinch does.
pub(super) fn compare(
    text: &str,
    statement: &Statement,
    value: Option<&Substituted>,
    lookup: &Lookup<'_>,
) -> Option<Problem> {
    let name = &text[statement.name.clone()];
    let lines = lines_of(text, statement).replace("\r\n", "\n");
    let ours = value.map_or(Reading::Absent, |value| Reading::Value(value.text.clone()));
    let mut others: Vec<(Reading, Vec<&str>)> = Vec::new();
    for reader in READERS {
        let reading = (reader.read)(&lines, name, lookup);
        match others.iter_mut().find(|(known, _)| *known == reading) {
            Some((_, readers)) => readers.push(reader.name),
            None => others.push((reading, vec![reader.name])),
        }
    }
    others.retain(|(reading, _)| *reading != ours);
    if others.is_empty() {
        return None;
    }
    let problem =
        Problem::note("env.readers-disagree", format!("programs disagree about the value of `{name}`"));
    let problem = match value.and_then(|value| shown(name, &value.text)) {
        Some(text) => problem.label(format!("read as `{text}`")),
        None => problem,
    };
    let problem = others.iter().fold(problem, |problem, (reading, readers)| {
        problem.why(format!("{} {}", list(readers), says(name, reading, readers.len() > 1)))
    });
    Some(advice(problem, text, statement, value))
}

/// The lines that a statement stands in, without the last one's end.
fn lines_of<'t>(text: &'t str, statement: &Statement) -> &'t str {
    let begin = text[..statement.at.start].rfind('\n').map_or(0, |end| end + 1);
    let end = text[statement.at.end..].find('\n').map_or(text.len(), |end| statement.at.end + end);
    text[begin..end].trim_end_matches('\r')
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn says(name: &str, reading: &Reading, plural: bool) -> String {
    let (s, do_not) = if plural { ("", "do not") } else { ("s", "does not") };
    match reading {
        Reading::Absent => format!("{do_not} see it"),
        Reading::Fails => format!("fail{s} on the line"),
        Reading::Runs(command) if command.is_empty() => format!("run{s} a command"),
        // What is run may be a part of the value.
        Reading::Runs(command) => match shown(name, command) {
            Some(command) => format!("run{s} `{command}`"),
            None => format!("run{s} a part of it as a command"),
        },
        Reading::Value(value) => match shown(name, value) {
            Some(value) => format!("read{s} `{value}`"),
            None => format!("read{s} another value"),
        },
        Reading::Otherwise => format!("read{s} it by rules of its own"),
    }
}

fn advice(problem: Problem, text: &str, statement: &Statement, value: Option<&Substituted>) -> Problem {
    let name = &text[statement.name.clone()];
    let Some(value) = value else {
        return problem.hint("remove the line: what the process environment has is passed on anyway");
    };
    if statement.value == Written::Inherited {
        return problem.hint("remove the line: what the process environment has is passed on anyway");
    }
    if value.any {
        return problem
            .hint("only Compose, and bash and python-dotenv in part, replace variables: write the value itself for the others")
            .hint("a `$` that is meant as such stands in single quotes");
    }
    let Some(best) = best_line(name, &value.text) else {
        return problem.hint("a name of letters, digits and `_` that begins with no digit is read by all");
    };
    if best.line == text[statement.at.clone()] {
        return problem.hint("this is the form on which most agree");
    }
    let line = match shown(name, &best.line) {
        Some(line) => line,
        None => best.form,
    };
    problem.hint(match best.differ.as_slice() {
        [] => format!("write `{line}`: all read the same"),
        differ => format!("write `{line}`: all but {} read the same", list(differ)),
    })
}
