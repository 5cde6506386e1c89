//! Process types written for other supervisors, so that nobody is locked in.
//!
//! [`systemd()`] writes one template unit for each process type and a target for the app, [`supervisord()`] one configuration
//! file. Config vars never stand in a unit, which anybody may read: they are in files of mode 0600
//! ([`ExportedFile::mode`]). What the other side cannot express (readiness by port, essential process types …) is
//! left out, and a note says so.

mod supervisord;
mod systemd;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use report::{Problem, Problems};

use crate::{ProcessType, Readiness};
pub use supervisord::supervisord;
pub use systemd::systemd;

/// What is exported.
#[derive(Clone, Copy)]
pub struct Export<'e> {
    /// The app's name: the units', the group's and the files' are made of it. `[A-Za-z0-9_.-]+`.
    pub app: &'e str,
    /// The app's directory, absolute.
    pub directory: &'e Path,
    /// As whom process types without a user of their own run.
    pub user: Option<&'e str>,
    /// The process types; their names differ.
    pub types: &'e [ProcessType],
    /// The config vars: see [`ConfigVars::reveal`](crate::ConfigVars::reveal).
    pub config: &'e [(String, String)],
    /// Where files with config vars will be, absolute (`/etc/shop`).
    pub config_directory: &'e Path,
    /// Where supervisord is to write logs, absolute; `None` leaves it to supervisord. systemd has its journal.
    pub log_directory: Option<&'e Path>,
}

/// A file to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    /// Whether it belongs into [`Export::config_directory`], not to the units.
    pub is_config: bool,
    /// Who may read it: 0o644, or 0o600 for what may hold secrets.
    pub mode: u32,
    /// Its text.
    pub text: String,
}

impl fmt::Debug for ExportedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportedFile")
            .field("name", &self.name)
            .field("mode", &format_args!("{:#o}", self.mode))
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Who may read a file without secrets.
const OPEN: u32 = 0o644;
/// Who may read a file with config vars.
const PRIVATE: u32 = 0o600;

/// Whether the app's name and paths can stand in what is exported; says so if not.
fn check(export: &Export<'_>, problems: &mut Problems) -> bool {
    let mut found = Vec::new();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if export.app.is_empty() || !export.app.chars().all(allowed) || export.app.starts_with(['-', '.']) {
        let what = format!("{:?} cannot name units or programs", export.app);
        found.push(Problem::error("export.name", what).hint("use letters, digits, `_`, `.` and `-`"));
    }
    let own = export.types.iter().filter_map(|known| known.directory.as_deref());
    let paths =
        [export.directory, export.config_directory].into_iter().chain(export.log_directory).chain(own);
    for path in paths {
        if path.to_str().is_none_or(|text| text.contains(['\n', '\r', '\0'])) {
            let what = format!("{} cannot stand in a configuration", path.display());
            found.push(Problem::error("export.path", what).hint("use a path of one line, in UTF-8"));
        }
    }
    let fine = found.is_empty();
    problems.extend(found);
    fine
}

/// The directory of a process type.
fn directory(export: &Export<'_>, known: &ProcessType) -> String {
    let path =
        known.directory.as_ref().map_or(export.directory.to_path_buf(), |own| export.directory.join(own));
    path.to_string_lossy().into_owned()
}

/// Says what a supervisor cannot do.
fn note_what_is_left_out(
    export: &Export<'_>,
    supervisor: &str,
    notify: bool,
    order: bool,
    problems: &mut Problems,
) {
    let mut note = |known: &ProcessType, what: &str, why: &str| {
        let what = format!("{supervisor} has no {what}: `{}`", known.name);
        problems
            .push(Problem::note("export.left-out", what).on(format!("process type {}", known.name)).why(why));
    };
    for known in export.types {
        match &known.ready {
            Readiness::Uptime(_) => {}
            Readiness::Notify if notify => {}
            Readiness::Notify => {
                note(known, "sd_notify", "a process counts as ready once it has run for a second");
            }
            Readiness::Port | Readiness::Http(_) => {
                note(known, "readiness by port", "a process counts as ready while it may not answer yet");
            }
        }
        if known.essential {
            note(known, "essential process types", "the others go on when a process of it ends for good");
        }
        if !known.after.is_empty() && !order {
            note(known, "dependencies", "programs start in the order of their priorities, without waiting");
        }
    }
}
