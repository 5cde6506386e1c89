//! Problems as text for people.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use value::Span;

use crate::{Place, Problem, Severity, Sources};

/// With or without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    #[default]
    Plain,
    /// ANSI colours.
    Colour,
}

/// Writes one problem: what, `file:line:col` with the line itself, why, hints. Ends with a newline.
pub fn render(problem: &Problem, sources: &Sources, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let level = match problem.severity {
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let marks = marks(problem, sources);
    let mut group = Group::with_title(level.primary_title(&*problem.what));
    for mark in &marks {
        group = group.element(
            Snippet::source(&*mark.line)
                .line_start(mark.number)
                .path(&*mark.name)
                .annotation(mark.kind.span(mark.range.clone()).label(mark.label.as_deref())),
        );
    }
    let mut notes = Vec::new();
    if let Place::Named(name) = &problem.place {
        notes.push((Level::NOTE, format!("at {name}")));
    }
    notes.extend(problem.why.iter().map(|line| (Level::NOTE, line.clone())));
    notes.extend(problem.hints.iter().map(|line| (Level::HELP, line.clone())));
    for (level, line) in &notes {
        group = group.element(level.clone().message(&**line));
    }
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// One line of source with a mark on it. Only the line travels to the renderer: a source may be large.
struct Mark {
    name: String,
    number: usize,
    line: String,
    range: std::ops::Range<usize>,
    label: Option<String>,
    kind: AnnotationKind,
}

fn marks(problem: &Problem, sources: &Sources) -> Vec<Mark> {
    let primary =
        problem.span().and_then(|span| mark(sources, span, problem.label.clone(), AnnotationKind::Primary));
    let related = problem
        .related
        .iter()
        .filter_map(|(span, label)| mark(sources, *span, Some(label.clone()), AnnotationKind::Context));
    primary.into_iter().chain(related).collect()
}

fn mark(sources: &Sources, span: Span, label: Option<String>, kind: AnnotationKind) -> Option<Mark> {
    let source = sources.get(span.source)?;
    let location = sources.locate(span)?;
    let text = &source.text;
    let start = floor(text, span.start as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let window = window(text, line_start, line_end, start);
    let line = &text[window.clone()];
    let from = start - window.start;
    let to = floor(text, (span.end as usize).clamp(start, window.end)) - window.start;
    Some(Mark {
        name: location.name,
        number: location.line,
        line: line.to_string(),
        range: from..to.max(from),
        label,
        kind,
    })
}

/// The part of a line that is shown: all of it, or for very long lines the neighbourhood of the mark.
fn window(text: &str, start: usize, end: usize, mark: usize) -> std::ops::Range<usize> {
    const WIDEST: usize = 400;
    if end - start <= WIDEST {
        return start..end;
    }
    let from = floor(text, mark.saturating_sub(WIDEST / 2).max(start));
    from..floor(text, (from + WIDEST).min(end))
}

/// The nearest character boundary at or before a byte offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_where_why_and_what_to_do() {
        let sources = Sources::new();
        let id = sources.add("web/init.sls", "nginx:\n  pkg.instaled: []\n");
        let problem = Problem::error("sls.unknown-function", "no state function `pkg.instaled`")
            .at(Span::new(id, 9, 21))
            .hint("did you mean `pkg.installed`?");
        let text = render(&problem, &sources, Style::Plain);
        assert_eq!(
            text,
            "error: no state function `pkg.instaled`\n \
             --> web/init.sls:2:3\n  |\n2 |   pkg.instaled: []\n  |   ^^^^^^^^^^^^\n  |\n  = help: did you mean `pkg.installed`?\n"
        );
    }

    #[test]
    fn a_note_is_no_warning() {
        let note = Problem::note("t", "readers disagree");
        assert!(note.severity < Severity::Warning);
        assert_eq!(render(&note, &Sources::new(), Style::Plain), "note: readers disagree\n");
    }

    #[test]
    fn survives_spans_that_lie() {
        let sources = Sources::new();
        let id = sources.add("x", "é".repeat(3000));
        for (start, end) in [(1, 2), (5999, 9999), (4_000_000, 4_000_001), (0, 0)] {
            render(&Problem::error("t", "x").at(Span::new(id, start, end)), &sources, Style::Colour);
        }
    }
}
