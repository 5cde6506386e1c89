//! Where a command is given: which keeper, which app, how it is said.

use std::path::{Path, PathBuf};

use keeper::Home;
use keeper::client::{Conversation, ask};
use keeper::protocol::{Answer, AppStatus, Request, Status};
use report::{Exit, Problem, Problems, Sources};

use super::failure::of_client;
use crate::arguments::{AppCommon, AppFormat, LogLevel};
use crate::talk::Talk;
use crate::terminal::Surroundings;

/// Where a command is given.
pub(super) struct Place {
    /// Where the keeper keeps what it keeps.
    pub home: Home,
    /// How things are said.
    pub talk: Talk,
    /// The texts that problems point into.
    pub sources: Sources,
    /// Whether data is printed as JSON.
    pub json: bool,
    /// The app that was named.
    app: Option<String>,
    /// The folder the command was given in.
    pub folder: PathBuf,
    /// The home as it was named, for a keeper that is started.
    pub home_folder: Option<PathBuf>,
}

impl Place {
    /// As options and surroundings have it.
    pub(super) fn new(common: &AppCommon, surroundings: &Surroundings) -> Self {
        let talk = Talk::of(surroundings, common.force_color, common.no_color, LogLevel::Warning);
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let home_folder = home_folder(common.home.as_deref(), surroundings, &folder);
        let home = home_folder.as_deref().map_or_else(Home::of_machine, Home::below);
        let json = common.out == AppFormat::Json;
        Self { home, talk, sources: Sources::new(), json, app: common.app.clone(), folder, home_folder }
    }

    /// Begins a conversation with the keeper.
    pub(super) fn ask(&self, request: &Request) -> Result<Conversation, Problem> {
        ask(&self.home.socket(), request).map_err(of_client)
    }

    /// Asks the keeper and waits until it has nothing more to say.
    pub(super) fn order(&self, request: &Request) -> Result<Vec<Answer>, Problem> {
        let mut conversation = self.ask(request)?;
        let mut answers = Vec::new();
        while let Some(answer) = conversation.next().map_err(of_client)? {
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Everything the keeper knows.
    pub(super) fn status(&self) -> Result<Status, Problem> {
        match self.order(&Request::Status)?.pop() {
            Some(Answer::Status(status)) => Ok(*status),
            _ => Err(of_client(keeper::client::ClientError::HungUp)),
        }
    }

    /// The app that is meant: the one that was named, that of the current folder, or the only one.
    pub(super) fn app(&self) -> Result<AppStatus, Problem> {
        let status = self.status()?;
        let mut apps: Vec<AppStatus> =
            status.apps.into_iter().filter(|app| !keeper::is_own(&app.name)).collect();
        let names: Vec<String> = apps.iter().map(|app| app.name.clone()).collect();
        let here = |app: &AppStatus| self.app.is_none() && self.folder.starts_with(&app.directory);
        let named = |app: &AppStatus| self.app.as_deref() == Some(app.name.as_str());
        if let Some(index) = apps.iter().position(|app| named(app) || here(app)) {
            return Ok(apps.swap_remove(index));
        }
        let problem = match (&self.app, names.len()) {
            (Some(name), _) => Problem::error("app.unknown", format!("there is no app `{name}`"))
                .did_you_mean(name, names.iter().map(String::as_str)),
            (None, 1) => return Ok(apps.remove(0)),
            (None, 0) => Problem::error("app.none", "no app runs here").hint("`pinch up DIR` starts one"),
            (None, _) => Problem::error("app.which", "there are several apps; which one is meant?")
                .hint(format!("name it with --app: {}", names.join(", "))),
        };
        Err(problem.or_hint("`pinch ps` lists the apps").exit(Exit::Failed))
    }

    /// Says what is wrong, and answers the exit code.
    pub(super) fn fail(&self, problem: Problem) -> u8 {
        self.fail_all(&problem.into())
    }

    /// Says everything that is wrong, and answers the exit code.
    pub(super) fn fail_all(&self, problems: &Problems) -> u8 {
        self.talk.problems(problems, &self.sources);
        problems.exit().code()
    }

    /// The exit code of something that worked or did not.
    pub(super) fn exit(&self, outcome: Result<u8, Problem>) -> u8 {
        outcome.unwrap_or_else(|problem| self.fail(problem))
    }

    /// Prints a value as JSON.
    pub(super) fn print_json(&self, value: &impl serde::Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.talk.data(&(text + "\n")),
            Err(error) => self.talk.line(&format!("error: {error}")),
        }
    }
}

/// The home that was named; the machine's own for root; else a folder of the user.
fn home_folder(named: Option<&Path>, surroundings: &Surroundings, current: &Path) -> Option<PathBuf> {
    if let Some(named) = named {
        return Some(current.join(named));
    }
    if rustix::process::geteuid().is_root() {
        return None;
    }
    let variable =
        |name: &str| surroundings.variable(name).filter(|value| value.starts_with('/')).map(PathBuf::from);
    let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    Some(state.unwrap_or_else(|| current.join(".pinch")).join("pinch"))
}
