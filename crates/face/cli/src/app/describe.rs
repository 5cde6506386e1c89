//! An app, read from its folder and from what was typed.

use std::path::{Path, PathBuf};

use procfile::{
    ConfigVars, EnvContext, EnvFile, EnvFormat, Formation, Mode, Precedence, ProcessType, Procfile,
    Readiness, Settings,
};
use release::Variables;
use report::{Problem, Problems, Severity};

use super::place::Place;
use super::settings;
use crate::arguments::{Description, EnvFormatName};
use crate::terminal::Surroundings;

/// Variables of the caller's own environment that processes get: where programs are, who it is, which language.
const KEPT: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV"];

/// What a folder and the options say.
pub(super) struct Described {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The folder's name as a host name.
    pub name: String,
    /// The Procfile.
    pub procfile: Procfile,
    /// Settings of its process types.
    pub settings: Settings,
    /// What runs, settings and counts set.
    pub process_types: Vec<ProcessType>,
    /// Every config var, and where it comes from.
    pub config: ConfigVars,
}

impl Described {
    /// Reads it. All problems are said; an error among them ends the command with this code.
    pub(super) fn read(
        folder: &Path,
        description: &Description,
        place: &Place,
        surroundings: &Surroundings,
    ) -> Result<Self, u8> {
        let mut problems = Problems::new();
        let described = read(folder, description, place, surroundings, &mut problems);
        if !description.notes {
            let all = std::mem::take(&mut problems);
            problems.extend(all.into_iter().filter(|one| one.severity != Severity::Note));
        }
        match described {
            Some(described) if !problems.has_errors() => {
                place.talk.problems(&problems, &place.sources);
                Ok(described)
            }
            _ => Err(place.fail_all(&problems)),
        }
    }

    /// Config vars for processes: what was set for the app, and of the caller's environment only what programs need.
    pub(super) fn variables(&self) -> Variables {
        let declared: Vec<&str> = self.config.declared().map(|var| var.name.as_str()).collect();
        let keeps = |name: &str| declared.contains(&name) || KEPT.contains(&name) || name.starts_with("LC_");
        self.config.reveal().into_iter().filter(|(name, _)| keeps(name)).collect()
    }
}

fn read(
    folder: &Path,
    description: &Description,
    place: &Place,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Option<Described> {
    let folder = match std::fs::canonicalize(place.folder.join(folder)) {
        Ok(folder) if folder.is_dir() => folder,
        Ok(file) => {
            let what = format!("{} is no folder", file.display());
            problems.push(Problem::error("app.folder", what).hint("name the folder that holds the Procfile"));
            return None;
        }
        Err(error) => {
            let what = format!("{} cannot be read: {error}", folder.display());
            problems.push(Problem::error("app.folder", what).hint("name the folder that holds the Procfile"));
            return None;
        }
    };
    let config = config(&folder, description, place, surroundings, problems);
    let (procfile, beside) = if description.processes.is_empty() {
        let file = description.procfile.as_ref();
        let path = file.map_or_else(|| folder.join("Procfile"), |file| place.folder.join(file));
        (procfile(&path, description.lenient, place, problems)?, Some(path.with_file_name(Settings::FILE)))
    } else {
        (typed(&description.processes, place, problems)?, None)
    };
    let settings = settings::read(beside, description, &procfile, place, problems)?;
    let config = config?;
    let mut process_types = procfile.process_types();
    settings::apply(&settings, &config, description, &mut process_types);
    if let Some(text) = &description.formation {
        let formation = Formation::parse("--formation", text, &place.sources, problems)?;
        formation.start(&mut process_types, problems);
    }
    let name = app_name(&folder);
    Some(Described { folder, name, procfile, settings, process_types, config })
}

fn procfile(path: &Path, lenient: bool, place: &Place, problems: &mut Problems) -> Option<Procfile> {
    let name = shown(path, place);
    let bytes = match read_bounded(path, Procfile::LONGEST) {
        Ok(bytes) => bytes,
        Err(error) => {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let problem = Problem::error("procfile.unreadable", format!("{name} cannot be read: {error}"));
            problems.push(if missing {
                problem.hint("write one line a process type, for example `web: python3 app.py`")
            } else {
                problem.hint("make it a file that you may read")
            });
            return None;
        }
    };
    let mode = if lenient { Mode::Lenient } else { Mode::Strict };
    Procfile::parse(&name, &bytes, mode, &place.sources, problems)
}

/// A Procfile made of `TYPE=COMMAND` words.
fn typed(words: &[String], place: &Place, problems: &mut Problems) -> Option<Procfile> {
    let mut text = String::new();
    for word in words {
        match word.split_once('=').filter(|(_, command)| !command.contains(['\n', '\r'])) {
            Some((name, command)) => text += &format!("{name}: {command}\n"),
            None => {
                let what = format!("`--process {word}` is no process type");
                problems.push(
                    Problem::error("process.word", what).hint("write TYPE=COMMAND, the command on one line"),
                );
                return None;
            }
        }
    }
    Procfile::parse("--process", text.as_bytes(), Mode::Strict, &place.sources, problems)
}

/// Config vars from a JSON object.
fn add_json(config: &mut ConfigVars, file: &Path, place: &Place) -> Result<(), Problem> {
    let bad = |why: String| {
        Problem::error("config.file", why)
            .on(file.display().to_string())
            .hint("write a JSON object of names and texts: {\"NAME\": \"value\"}")
    };
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let mut input = std::io::Read::take(std::io::stdin().lock(), EnvFile::LONGEST as u64 + 1);
        std::io::Read::read_to_end(&mut input, &mut bytes).map(|_| bytes)
    } else {
        read_bounded(&place.folder.join(file), EnvFile::LONGEST)
    };
    let bytes = bytes.map_err(|error| bad(format!("config vars cannot be read: {error}")))?;
    let vars: std::collections::BTreeMap<String, String> = serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("config vars are no JSON object of texts: {error}")))?;
    for (name, value) in vars {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(bad(format!("`{name}` cannot be a variable")));
        }
        config.add_app(&name, &value, value::Span::NONE);
    }
    Ok(())
}

/// Config vars in their order: process environment, env files, command line.
fn config(
    folder: &Path,
    description: &Description,
    place: &Place,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Option<ConfigVars> {
    let mut config = ConfigVars::new(Precedence::default());
    config.add_process_environment(surroundings.environment.iter().cloned());
    let format = match description.env_format {
        EnvFormatName::Compose => EnvFormat::Compose,
        EnvFormatName::Foreman => EnvFormat::Foreman,
        EnvFormatName::Raw => EnvFormat::Raw,
    };
    let asked: Vec<PathBuf> = description.env_files.iter().map(|file| place.folder.join(file)).collect();
    let default = [folder.join(".env")];
    let by_default = asked.is_empty();
    let mut files: Vec<EnvFile> = Vec::new();
    for path in if by_default { &default[..] } else { &asked[..] } {
        let name = shown(path, place);
        let bytes = match read_bounded(path, EnvFile::LONGEST) {
            Ok(bytes) => bytes,
            Err(error) if by_default && error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let problem = Problem::error("env.unreadable", format!("{name} cannot be read: {error}"));
                problems.push(problem.hint("make it a file that you may read, or leave it out"));
                return None;
            }
        };
        let process = |name: &str| surroundings.variable(name).map(str::to_string);
        let context =
            EnvContext { format, precedence: Precedence::default(), process: &process, earlier: &files };
        files.push(EnvFile::parse(&name, &bytes, &context, &place.sources, problems)?);
    }
    for file in &files {
        config.add_env_file(file);
    }
    if let Some(file) = &description.config_file
        && let Err(problem) = add_json(&mut config, file, place)
    {
        problems.push(problem);
    }
    config.add_command_line(description.assignments.iter().map(String::as_str), &place.sources, problems);
    Some(config)
}

/// When processes of a type are ready: `TYPE=/path`, `TYPE=port`, `TYPE=notify`, `TYPE=SECONDS`.
pub(super) fn set_readiness(words: &[String], process_types: &mut [ProcessType]) -> Result<(), Problem> {
    for word in words {
        let bad = |why: &str| {
            Problem::error("ready.word", format!("`--ready {word}`: {why}"))
                .hint("write TYPE=/path, TYPE=port, TYPE=notify or TYPE=SECONDS")
        };
        let (name, when) = word.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
        let readiness =
            Readiness::from_word(when).ok_or_else(|| bad("that is no time, no path and no known word"))?;
        let names: Vec<String> = process_types.iter().map(|one| one.name.clone()).collect();
        match process_types.iter_mut().find(|one| one.name == name) {
            Some(process_type) => process_type.ready = readiness,
            None => {
                return Err(
                    bad("there is no such process type").did_you_mean(name, names.iter().map(String::as_str))
                );
            }
        }
    }
    Ok(())
}

/// The folder's name as a host name: lower case, everything else a dash.
fn app_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let dashed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    let trimmed = dashed.trim_matches('-');
    if trimmed.is_empty() || keeper::is_own(trimmed) { "app".into() } else { trimmed.into() }
}

/// A path as a person would write it.
pub(super) fn shown(path: &Path, place: &Place) -> String {
    path.strip_prefix(&place.folder).unwrap_or(path).display().to_string()
}

/// Reads a file, and no more than one byte past what its reader takes.
pub(super) fn read_bounded(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_the_app() {
        assert_eq!(app_name(Path::new("/srv/My Shop!")), "my-shop");
        assert_eq!(app_name(Path::new("/")), "app");
        assert_eq!(app_name(Path::new("/x/pinch")), "app");
    }
}
