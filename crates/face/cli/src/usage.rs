//! Mistakes on the command line, as problems like any other.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use report::Problem;

/// What is wrong with the words that were typed; `None` for what is no mistake (help, version).
pub(crate) fn problem(error: &clap::Error) -> Option<Problem> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return None;
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let mut what = lines.next().unwrap_or_default().trim_start_matches("error: ").to_string();
    if error.kind() == ErrorKind::MissingRequiredArgument {
        let names: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        what = format!("{what} {}", names.join(" "));
    }
    let problem = Problem::error("usage", what);
    let near = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let near = near.into_iter().find_map(|kind| words(error, kind).into_iter().next());
    let possible = words(error, ContextKind::ValidValue);
    let problem = match near {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if !possible.is_empty() => problem.hint(format!("it is one of {}", possible.join(", "))),
        None => problem,
    };
    let usage = usage(&text);
    Some(match usage.filter(|_| problem.hints.is_empty()) {
        Some(usage) => {
            let command: Vec<&str> =
                usage.split(' ').take_while(|word| !word.starts_with(['-', '<', '['])).collect();
            problem.hint(format!("write `{usage}`; `{} --help` explains the words", command.join(" ")))
        }
        None => problem.or_hint("`pinch --help` explains the words"),
    })
}

/// The line that says how the command is used.
fn usage(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.trim().strip_prefix("Usage: "))
}

fn words(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::CommandLine;

    #[test]
    fn every_mistake_has_advice() {
        for (typed, what, hint) in [
            (&["aply"][..], "unrecognized subcommand 'aply'", "did you mean `apply`?"),
            (&["apply", "--rot", "x"], "unexpected argument '--rot' found", "did you mean `--root`?"),
            (&["call", "--out=jsn", "x"], "invalid value 'jsn'", "did you mean `json`?"),
            (&["call", "-l", "zzz", "x"], "invalid value 'zzz'", "it is one of quiet, error"),
            (&["call"], "required arguments were not provided: <FUNCTION>", "`pinch call --help`"),
            (&["man"], "required arguments were not provided: <FOLDER>", "`pinch man --help`"),
            (&["call", "--out-indent", "x", "y"], "invalid value 'x'", "--help"),
            (&["apply", "--root"], "a value is required for '--root <DIR>'", "--help"),
        ] {
            let error = CommandLine::try_parse_from(["pinch"].iter().chain(typed)).unwrap_err();
            let problem = problem(&error).unwrap();
            assert!(problem.what.contains(what), "{problem:?}");
            assert!(problem.hints.iter().any(|given| given.contains(hint)), "{problem:?}");
        }
    }
}
