//! A run as Pinch shows it: what changed with its difference, what failed and where, and the rest folded into
//! one line of counts.

use converge::{RunReport, StateResult};
use modules::Verdict;
use value::{Data, Map, Value};

use super::paint::{Colour, Paint, harmless};

/// Lines of a difference shown before the rest is folded.
const LONGEST: usize = 40;

/// The whole text, newline at the end.
pub(crate) fn run(report: &RunReport, paint: Paint, verbose: bool) -> String {
    let mut out = String::new();
    for result in &report.results {
        if verbose || noteworthy(result) {
            out.push_str(&state(result, report.planned, paint));
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&summary(report, paint));
    out
}

fn noteworthy(result: &StateResult) -> bool {
    result.changed() || result.outcome.verdict != Verdict::Holds || !result.outcome.warnings.is_empty()
}

fn state(result: &StateResult, planned: bool, paint: Paint) -> String {
    let (mark, colour) = match result.outcome.verdict {
        Verdict::Failed => ("✗", Colour::Red),
        Verdict::Unknown => ("?", Colour::Yellow),
        Verdict::Holds if result.changed() && planned => ("~", Colour::Yellow),
        Verdict::Holds if result.changed() => ("✓", Colour::Cyan),
        Verdict::Holds => ("·", Colour::Green),
    };
    let name = harmless(&result.name);
    let function = format!("{}.{}", result.state, result.function);
    let mut text =
        format!("{} {}", paint.text(colour, format!("{mark} {name}")), paint.text(Colour::Dim, function));
    let id = if result.id == result.name { String::new() } else { format!(": {}", harmless(&result.id)) };
    text.push_str(&paint.text(Colour::Dim, format!("  ({}{id})", result.sls)));
    text.push('\n');
    // What changed says it all; a comment would say it again.
    let shown = changes(&result.outcome.changes, paint);
    if shown.is_empty() || result.outcome.verdict != Verdict::Holds {
        for line in result.outcome.comment.trim().lines() {
            text.push_str(&format!("    {}\n", harmless(line)));
        }
    }
    text.push_str(&shown);
    for warning in &result.outcome.warnings {
        text.push_str(&format!(
            "    {}\n",
            paint.text(Colour::BrightRed, format!("warning: {}", harmless(warning)))
        ));
    }
    text
}

/// The changes: plain properties together, differences in their colours, the rest a line each.
fn changes(changes: &Map, paint: Paint) -> String {
    let mut plain = Vec::new();
    let mut lines = String::new();
    for (key, value) in changes.iter() {
        let key = key.to_string();
        match &value.data {
            Data::Str(text) if text.contains('\n') => lines.push_str(&difference(text, paint)),
            Data::Map(map) if map.len() == 2 && map.contains("old") && map.contains("new") => {
                let part = |name: &str| map.get(name).map(short).filter(|text| !text.is_empty());
                let (old, new) = (part("old"), part("new"));
                let none = || "(none)".to_string();
                plain.push(format!("{key}: {} -> {}", old.unwrap_or_else(none), new.unwrap_or_else(none)));
            }
            Data::Map(map) => {
                let inner: Vec<String> =
                    map.iter().map(|(key, value)| format!("{key}: {}", short(value))).collect();
                lines.push_str(&remark(&format!("{key}  {}", inner.join(", ")), paint));
            }
            _ if !value.is_truthy() => {}
            _ => plain.push(format!("{key}: {}", short(value))),
        }
    }
    let plain = if plain.is_empty() { String::new() } else { remark(&plain.join(", "), paint) };
    plain + &lines
}

fn remark(text: &str, paint: Paint) -> String {
    format!("    {}\n", paint.text(Colour::Dim, harmless(text)))
}

/// A value in a few words: lists as their items, long texts cut.
fn short(value: &Value) -> String {
    const WIDEST: usize = 120;
    let text = match value.as_list() {
        Some(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        None => value.to_string(),
    };
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None if line.len() < text.len() => format!("{line} …"),
        None => line.to_string(),
    }
}

/// A unified difference in its colours, folded when it is long.
fn difference(text: &str, paint: Paint) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut out = String::new();
    for line in lines.iter().take(LONGEST) {
        let colour = match line.as_bytes().first() {
            Some(b'+') => Colour::Green,
            Some(b'-') => Colour::Red,
            Some(b'@') => Colour::Cyan,
            _ => Colour::Dim,
        };
        out.push_str(&format!("      {}\n", paint.text(colour, harmless(line))));
    }
    if lines.len() > LONGEST {
        let more = format!("… {} more lines (--out highstate shows all)", lines.len() - LONGEST);
        out.push_str(&format!("      {}\n", paint.text(Colour::Dim, more)));
    }
    out
}

fn summary(report: &RunReport, paint: Paint) -> String {
    let counts = report.counts();
    let changed = if report.planned { "would change" } else { "changed" };
    let mut parts = vec![
        paint.text(Colour::Green, format!("{} unchanged", counts.unchanged)),
        paint.text(
            if report.planned { Colour::Yellow } else { Colour::Cyan },
            format!("{} {changed}", counts.changed),
        ),
    ];
    let mut part = |number: usize, what: &str, colour: Colour| {
        if number > 0 {
            parts.push(paint.text(colour, format!("{number} {what}")));
        }
    };
    part(counts.unknown, "known only when run", Colour::Yellow);
    part(counts.skipped, "not needed", Colour::Dim);
    part(counts.failed, "failed", Colour::Red);
    part(report.left_out, "left out after a failure", Colour::Red);
    let time: std::time::Duration = report.results.iter().map(|result| result.duration).sum();
    let verb = if report.planned { "Planned" } else { "Ran" };
    format!("{verb} {} states in {:.2} s: {}\n", report.results.len(), time.as_secs_f64(), parts.join(", "))
}
