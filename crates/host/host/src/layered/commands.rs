//! Commands, facts and time over a layer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Layered;
use crate::{
    Action, Clock, Command, Commands, Creator, Fact, Facts, Files, Host, HostError, Outcome, Output, Program,
    Subject, Timestamp,
};

impl Commands for Layered {
    fn probe(&self, command: &Command) -> Result<Output, HostError> {
        let Some(below) = self.below() else {
            return self.scripted(command).ok_or_else(|| HostError::CannotRun {
                program: command.text(),
                why: "nothing is scripted for it".into(),
            });
        };
        if let Some(directory) = &command.directory
            && below.metadata(directory)?.map(|found| found.kind)
                != self.metadata(directory)?.map(|found| found.kind)
        {
            return Err(unknown(command, "its working directory is planned to be another"));
        }
        if let Program::Argv(argv) = &command.program
            && let Some(program) = argv.first()
            && below.which(program).is_none()
            && self.which(program).is_some()
        {
            return Err(unknown(command, "the program is only planned"));
        }
        if let Some(name) = &command.user
            && crate::accounts::user(&**below, name)?.is_none()
            && crate::accounts::user(self, name)?.is_some()
        {
            return Err(unknown(command, "the user it runs as is only planned"));
        }
        if let Some(name) = &command.group
            && crate::accounts::group(&**below, name)?.is_none()
            && crate::accounts::group(self, name)?.is_some()
        {
            return Err(unknown(command, "the group it runs with is only planned"));
        }
        below.probe(command)
    }

    fn act(&self, action: &Action) -> Result<Outcome, HostError> {
        let text = action.command.text();
        let outcome = if self.below().is_some() {
            Outcome::Planned
        } else {
            self.note_act(&text);
            Outcome::Ran(self.scripted(&action.command).unwrap_or_default())
        };
        let happened = match &outcome {
            Outcome::Planned => true,
            Outcome::Ran(output) => output.succeeded(),
        };
        if happened {
            for effect in &action.effects {
                self.take(effect, &format!("`{text}` has to run first"));
            }
        }
        Ok(outcome)
    }

    fn which(&self, program: &str) -> Option<PathBuf> {
        if let Some(below) = self.below()
            && let Some(found) = below.which(program)
        {
            return Some(found);
        }
        find_program(self, program)
    }

    fn environment(&self) -> &[(String, String)] {
        self.below().map_or(&[], |below| below.environment())
    }
}

impl Facts for Layered {
    fn fact(&self, subject: &Subject) -> Option<Fact> {
        Self::fact(self, subject)
    }

    fn facts(&self, kind: &str) -> Vec<(String, Fact)> {
        Self::facts(self, kind)
    }
}

impl Clock for Layered {
    fn now(&self) -> Timestamp {
        self.below().map_or_else(|| self.layer().now, |below| below.now())
    }

    fn elapsed(&self) -> Duration {
        match self.below() {
            Some(below) => below.elapsed(),
            None => Duration::from_secs(u64::try_from(self.layer().now.seconds).unwrap_or(0)),
        }
    }

    fn sleep(&self, duration: Duration) {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let mut layer = self.layer();
        layer.now.seconds = layer.now.seconds.saturating_add(seconds);
    }
}

impl Host for Layered {
    fn is_plan(&self) -> bool {
        self.below().is_some()
    }

    fn root(&self) -> Option<&Path> {
        self.below()?.root()
    }

    fn creator(&self) -> Creator {
        self.below().map_or_else(Creator::default, |below| below.creator())
    }
}

/// A program by its path, or on the `PATH` of the host's environment.
pub(crate) fn find_program<H: Files + Commands + ?Sized>(host: &H, program: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        host.metadata(path)
            .ok()
            .flatten()
            .is_some_and(|found| found.kind == crate::FileKind::File && found.mode & 0o111 != 0)
    };
    if program.contains('/') {
        let path = PathBuf::from(program);
        return is_program(&path).then_some(path);
    }
    let path =
        host.environment().iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
    let folders = path.split(':').chain([
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    ]);
    folders
        .filter(|folder| folder.starts_with('/'))
        .map(|folder| Path::new(folder).join(program))
        .find(|path| is_program(path))
}

fn unknown(command: &Command, because: &str) -> HostError {
    HostError::Unknown { what: format!("what `{}` would say", command.text()), because: because.into() }
}
