//! `highstate`: results of states, one block each, and a summary.

use value::{Data, Map, Value};

use super::Settings;
use super::nested;
use super::paint::{Colour, Paint, harmless};

/// What is shown of states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighstateOptions {
    /// Whether states that hold without a change are shown (`state_verbose`).
    pub verbose: bool,
    /// Whether one line a state is enough for those that did not fail or change (`state_output: changes`).
    pub terse_unchanged: bool,
    /// Whether start and duration are shown (`state_output_profile`).
    pub profile: bool,
}

impl Default for HighstateOptions {
    fn default() -> Self {
        Self { verbose: true, terse_unchanged: false, profile: true }
    }
}

/// The whole text for data keyed by minion.
pub(super) fn text(data: &Value, settings: Settings) -> String {
    let Some(minions) = data.as_map() else { return data.to_string() };
    minions
        .iter()
        .map(|(name, data)| minion(&name.to_string(), data, settings))
        .collect::<Vec<_>>()
        .join("\n")
}

fn minion(name: &str, data: &Value, settings: Settings) -> String {
    let paint = settings.paint;
    match &data.data {
        Data::List(errors) => {
            let mut lines = vec![
                paint.text(Colour::BrightRed, format!("{name}:")),
                paint.text(Colour::BrightRed, "    Data failed to compile:"),
            ];
            for error in errors {
                lines.push(paint.text(Colour::BrightRed, "----------"));
                lines.push(paint.text(Colour::BrightRed, format!("    {}", harmless(&error.to_string()))));
            }
            lines.join("\n")
        }
        Data::Map(results) if results.values().all(|result| result.get("result").is_some()) => {
            states(name, results, settings)
        }
        _ => {
            let mut lines = vec![paint.text(Colour::Cyan, format!("{name}:"))];
            lines.extend(nested::lines(data, 4, paint));
            lines.join("\n")
        }
    }
}

#[derive(Default)]
struct Counts {
    succeeded: usize,
    planned: usize,
    failed: usize,
    changed: usize,
    warnings: usize,
    milliseconds: f64,
}

fn states(name: &str, results: &Map, settings: Settings) -> String {
    let paint = settings.paint;
    let mut ordered: Vec<_> = results.iter().collect();
    ordered.sort_by_key(|(_, result)| result.get("__run_num__").and_then(Value::as_int).unwrap_or(0));
    let mut counts = Counts::default();
    let mut blocks = Vec::new();
    for (tag, result) in ordered {
        let changed = has_changes(result);
        count(&mut counts, result, changed);
        let holds = result.get("result").and_then(Value::as_bool) == Some(true);
        if holds && !changed && !settings.highstate.verbose {
            continue;
        }
        if holds && !changed && settings.highstate.terse_unchanged {
            blocks.push(terse(&tag.to_string(), result, paint));
        } else {
            blocks.push(block(&tag.to_string(), result, changed, settings));
        }
    }
    let colour = match (counts.failed, counts.planned) {
        (1.., _) => Colour::Red,
        (_, 1..) => Colour::Yellow,
        _ => Colour::Green,
    };
    let mut lines = vec![paint.text(colour, format!("{name}:"))];
    lines.append(&mut blocks);
    lines.push(summary(name, &counts, settings));
    lines.join("\n")
}

fn count(counts: &mut Counts, result: &Value, changed: bool) {
    match result.get("result").and_then(Value::as_bool) {
        Some(true) => counts.succeeded += 1,
        Some(false) => counts.failed += 1,
        None => counts.planned += 1,
    }
    counts.changed += usize::from(changed);
    counts.warnings += usize::from(warnings(result).is_some());
    counts.milliseconds += result.get("duration").and_then(Value::as_float).unwrap_or(0.0);
}

fn has_changes(result: &Value) -> bool {
    result.get("changes").is_some_and(Value::is_truthy)
}

fn warnings(result: &Value) -> Option<String> {
    let list = result.get("warnings")?.as_list()?;
    (!list.is_empty()).then(|| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

/// State, id, name and function of a result's key `state_|-id_|-name_|-function`.
fn parts(tag: &str) -> [&str; 4] {
    let mut parts = tag.splitn(2, "_|-");
    let state = parts.next().unwrap_or_default();
    let rest = parts.next().unwrap_or_default();
    let (rest, function) = rest.rsplit_once("_|-").unwrap_or((rest, ""));
    let (id, name) = rest.split_once("_|-").unwrap_or((rest, rest));
    [state, id, name, function]
}

fn block(tag: &str, result: &Value, changed: bool, settings: Settings) -> String {
    let paint = settings.paint;
    let [state, id, name, function] = parts(tag);
    let verdict = result.get("result").cloned().unwrap_or_default();
    let colour = match verdict.as_bool() {
        Some(false) => Colour::Red,
        None => Colour::Yellow,
        Some(true) if changed => Colour::Cyan,
        Some(true) => Colour::Green,
    };
    let mut lines = vec![paint.text(colour, "----------")];
    let mut field = |label: &str, text: &str| {
        lines.push(format!("    {}", paint.text(colour, format!("{label:>8}: {}", harmless(text)))));
    };
    field("ID", id);
    field("Function", &format!("{state}.{function}"));
    if id != name {
        field("Name", name);
    }
    field("Result", &verdict.to_string());
    let comment = result.get("comment").map(ToString::to_string).unwrap_or_default();
    field("Comment", &comment.trim().replace('\n', "\n              "));
    if settings.highstate.profile
        && let Some(started) = result.get("start_time")
    {
        field("Started", &started.to_string());
        let duration = result.get("duration").map(ToString::to_string).unwrap_or_default();
        field("Duration", &format!("{duration} ms"));
    }
    lines.push(paint.text(colour, "     Changes:   "));
    if changed && let Some(changes) = result.get("changes") {
        lines.extend(nested::lines(changes, 14, paint));
    }
    if let Some(warnings) = warnings(result) {
        lines.push(format!(
            "   {}",
            paint.text(Colour::BrightRed, format!(" Warnings: {}", harmless(&warnings)))
        ));
    }
    lines.join("\n")
}

fn terse(tag: &str, result: &Value, paint: Paint) -> String {
    let [state, _, name, function] = parts(tag);
    let started = result.get("start_time").map(ToString::to_string).unwrap_or_default();
    let duration = result.get("duration").map(ToString::to_string).unwrap_or_default();
    let line = format!(
        "  Name: {} - Function: {state}.{function} - Result: Clean - Started: {started} - Duration: {duration} ms",
        harmless(name)
    );
    paint.text(Colour::Green, line)
}

fn summary(name: &str, counts: &Counts, settings: Settings) -> String {
    let paint = settings.paint;
    let shown = [counts.succeeded, counts.planned, counts.failed, counts.warnings];
    let digits = shown.iter().map(|number| number.to_string().len()).max().unwrap_or(1);
    let width = "Succeeded".len() + digits + 2;
    let row = |label: &str, number: usize| {
        format!("{label}: {number:>width$}", width = width.saturating_sub(label.len() + 2))
    };
    let rule = "-".repeat(width);
    let mut remarks = Vec::new();
    if counts.planned > 0 {
        remarks.push(paint.text(Colour::Yellow, format!("unchanged={}", counts.planned)));
    }
    if counts.changed > 0 {
        remarks.push(paint.text(Colour::Green, format!("changed={}", counts.changed)));
    }
    let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) };
    let mut lines = vec![
        paint.text(Colour::Cyan, format!("\nSummary for {name}\n{rule}")),
        paint.text(Colour::Green, row("Succeeded", counts.succeeded + counts.planned)) + &remarks,
        paint.text(if counts.failed > 0 { Colour::Red } else { Colour::Cyan }, row("Failed", counts.failed)),
    ];
    if counts.warnings > 0 {
        lines.push(paint.text(Colour::BrightRed, row("Warnings", counts.warnings)));
    }
    let total = counts.succeeded + counts.planned + counts.failed;
    let total_width = width.saturating_sub(7);
    lines.push(paint.text(Colour::Cyan, format!("{rule}\nTotal states run: {total:>total_width$}")));
    if settings.highstate.profile {
        let (time, unit) = match counts.milliseconds {
            time if time > 999.0 => (time / 1000.0, "s"),
            time => (time, "ms"),
        };
        let time_width = width.saturating_sub(5);
        let time = format!("{time:.3}");
        lines.push(paint.text(Colour::Cyan, format!("Total run time: {time:>time_width$} {unit}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_salt_prints_for_the_same_results() {
        let data = value::json::from_text(include_str!("cases/highstate.json")).unwrap();
        let expected = include_str!("cases/highstate.txt");
        let settings = Settings::default();
        assert_eq!(text(&data, settings), expected.trim_end_matches('\n'));
    }

    #[test]
    fn tags_with_separators_inside_names_are_taken_apart() {
        assert_eq!(parts("file_|-id_|-/a_|-b_|-managed"), ["file", "id", "/a_|-b", "managed"]);
    }
}
