//! Settings of the process types: a `pinch.yaml`, and the options that win over it.

use std::path::PathBuf;

use procfile::{ConfigVars, Layer, ProcessType, Procfile, Settings};
use report::{Problem, Problems};

use super::describe::{read_bounded, shown};
use super::place::Place;
use crate::arguments::Description;

/// Reads the file that was asked for, or the one `beside` the Procfile if there is one.
pub(super) fn read(
    beside: Option<PathBuf>,
    description: &Description,
    procfile: &Procfile,
    place: &Place,
    problems: &mut Problems,
) -> Option<Settings> {
    let asked = description.settings.as_ref().map(|file| place.folder.join(file));
    let by_default = asked.is_none();
    let Some(path) = asked.or(beside) else { return Some(Settings::default()) };
    let name = shown(&path, place);
    match read_bounded(&path, Settings::LONGEST) {
        Ok(bytes) => Settings::parse(&name, &bytes, procfile, &place.sources, problems),
        Err(error) if by_default && error.kind() == std::io::ErrorKind::NotFound => Some(Settings::default()),
        Err(error) => {
            let problem = Problem::error("settings.unreadable", format!("{name} cannot be read: {error}"));
            problems.push(problem.hint("make it a file that you may read, or leave it out"));
            None
        }
    }
}

/// Sets on process types what the settings say, and what the command line says against them: as whom they run, and the
/// variables it sets.
pub(super) fn apply(
    settings: &Settings,
    config: &ConfigVars,
    description: &Description,
    process_types: &mut [ProcessType],
) {
    settings.apply(process_types);
    for process_type in process_types {
        if description.user.is_some() {
            process_type.user.clone_from(&description.user);
        }
        process_type.environment.retain(|(name, _)| !is_given(name, config));
    }
}

/// Whether an option sets this variable.
pub(super) fn is_given(name: &str, config: &ConfigVars) -> bool {
    config.get(name).is_some_and(|var| matches!(var.origin.layer, Layer::App | Layer::CommandLine))
}
