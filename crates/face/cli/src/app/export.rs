//! `export`: an app's processes, written down for another supervisor.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use procfile::{BasePort, ExportedFile};
use report::{Exit, Problem, Problems};

use super::describe::Described;
use super::place::Place;
use crate::arguments::{Export, ExportFormat};
use crate::terminal::Surroundings;

/// Writes the files to a folder and names them.
pub(crate) fn export(arguments: &Export, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let described = match Described::read(&arguments.folder, &arguments.description, &place, surroundings) {
        Ok(described) => described,
        Err(code) => return code,
    };
    let mut problems = Problems::new();
    let files = files(arguments, &described, &place, &mut problems);
    let Some(files) = files.filter(|_| !problems.has_errors()) else { return place.fail_all(&problems) };
    place.talk.problems(&problems, &place.sources);
    place.exit(write(&files, &place.folder.join(&arguments.target), &place).map(|()| Exit::Done.code()))
}

fn files(
    arguments: &Export,
    described: &Described,
    place: &Place,
    problems: &mut Problems,
) -> Option<Vec<ExportedFile>> {
    let mut process_types = described.process_types.clone();
    if arguments.port.is_some() {
        for process_type in &mut process_types {
            process_type.port = None;
        }
    }
    match BasePort::choose(arguments.port, &described.config, &place.sources) {
        Ok(base) => base.assign(&described.procfile, &mut process_types, problems),
        Err(problem) => problems.push(problem),
    }
    let app = arguments.common.app.clone().unwrap_or_else(|| described.name.clone());
    let config: Vec<(String, String)> =
        described.variables().reveal().map(|(name, value)| (name.into(), value.into())).collect();
    let target = place.folder.join(&arguments.target);
    let export = procfile::Export {
        app: &app,
        directory: &described.folder,
        user: arguments.description.user.as_deref(),
        types: &process_types,
        config: &config,
        config_directory: &target,
        log_directory: None,
    };
    match arguments.format {
        ExportFormat::Systemd => procfile::export_systemd(&export, problems),
        ExportFormat::Supervisord => procfile::export_supervisord(&export, problems),
    }
}

fn write(files: &[ExportedFile], target: &Path, place: &Place) -> Result<(), Problem> {
    let at = |path: &Path, error: std::io::Error| {
        Problem::error("export.write", format!("{}: {error}", path.display()))
            .hint("name a folder that you may write to")
            .exit(Exit::Failed)
    };
    std::fs::create_dir_all(target).map_err(|error| at(target, error))?;
    for file in files {
        let path = target.join(&file.name);
        let mut options = std::fs::OpenOptions::new();
        let opened = options.create(true).truncate(true).write(true).mode(file.mode).open(&path);
        let written = opened.and_then(|mut opened| opened.write_all(file.text.as_bytes()));
        written.map_err(|error| at(&path, error))?;
        place.talk.data(&format!("{}\n", path.display()));
    }
    Ok(())
}
