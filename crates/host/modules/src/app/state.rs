//! State functions.

use std::path::Path;

use host::{Change, HostError};
use value::{Data, Map};

use super::Invocation;
use crate::{AnyText, Context, Failure, Lines, Outcome};

arguments! {
    /// Keeps an app running as its folder describes it: processes, config vars, routes.
    pub(super) struct Running {
        /// The app's name: lower-case letters, digits and dashes.
        name: String,
        /// The folder with its code and its Procfile.
        source or directory: String,
        /// A repository that is checked out into the folder first.
        git: Option<String>,
        /// What to check out of it.
        rev: String = "HEAD",
        /// Another Procfile, below the folder or absolute.
        procfile: Option<String>,
        /// Another file with settings of the process types than the `pinch.yaml` beside the Procfile, below the folder or
        /// absolute.
        settings: Option<String>,
        /// Files of config vars; `.env` in the folder by default.
        env_file: Lines = Lines(Vec::new()),
        /// Config vars; they win over the files.
        config: Map = Map::new(),
        /// How many processes of each type: a mapping, or `web=2,worker=1`.
        formation: Option<value::Value>,
        /// Host names that lead to the app; any by default.
        route or hosts: Lines = Lines(Vec::new()),
        /// The path below which it answers.
        path: String = "/",
        /// The path that tells whether a web process is ready; its port by default.
        health: Option<String>,
        /// Where log events go besides the local log, as URLs.
        drains: Lines = Lines(Vec::new()),
        /// Whether a release takes over without the Procfile's `release` having been run.
        skip_release_command: bool = false,
        /// Where the router listens, `ADDRESS:PORT`, if it does not yet.
        listen: Lines = Lines(Vec::new()),
        /// A PEM file with a certificate, with which apps answer over TLS too; read again when it changes.
        tls_certificate: Option<String>,
        /// A PEM file with the certificate's private key.
        tls_key: Option<String>,
        /// Where the router listens for TLS, `ADDRESS:PORT`, if it does not yet.
        listen_tls: Lines = Lines(Vec::new()),
        /// The keeper's home, if it is not the machine's own.
        home: Option<String>,
    }
}

arguments! {
    /// Keeps an app from being there: its processes stop, its releases are forgotten, its logs stay.
    pub(super) struct Absent {
        /// The app's name.
        name: String,
        /// The keeper's home, if it is not the machine's own.
        home: Option<String>,
    }
}

impl Running {
    fn invocation(&self) -> Invocation {
        let mut words = Vec::new();
        let mut option = |name: &str, value: &str| words.extend([name.to_string(), value.to_string()]);
        if let Some(procfile) = &self.procfile {
            option("--procfile", &below(&self.source, procfile));
        }
        if let Some(settings) = &self.settings {
            option("--settings", &below(&self.source, settings));
        }
        for file in &self.env_file.0 {
            option("--env-file", &below(&self.source, file));
        }
        if let Some(formation) = &self.formation {
            option("--formation", &formation_text(formation));
        }
        self.route.0.iter().for_each(|host| option("--host", host));
        option("--path", &self.path);
        if let Some(health) = &self.health {
            option("--ready", &format!("web={health}"));
        }
        self.drains.0.iter().for_each(|drain| option("--drain", drain));
        self.listen.0.iter().for_each(|address| option("--listen", address));
        if let Some(file) = &self.tls_certificate {
            option("--tls-certificate", file);
        }
        if let Some(file) = &self.tls_key {
            option("--tls-key", file);
        }
        self.listen_tls.0.iter().for_each(|address| option("--listen-tls", address));
        if self.skip_release_command {
            words.push("--skip-release-command".into());
        }
        words.push(self.source.clone());
        Invocation { app: self.name.clone(), home: self.home.clone(), words, config: self.config.clone() }
    }
}

/// See [`Running`].
pub(super) fn running(context: &Context<'_>, asked: Running) -> Result<Outcome, Failure> {
    let checkout = match &asked.git {
        Some(repository) => {
            let outcome = crate::git::check_out(context, repository, &asked.source, &asked.rev)?;
            if outcome.verdict != crate::Verdict::Holds {
                return Ok(outcome);
            }
            outcome.changes
        }
        None => Map::new(),
    };
    let invocation = asked.invocation();
    let outcome = bring_about(context, &invocation, Path::new(&asked.source), !checkout.is_empty())?;
    let both = |outcome: Outcome, (key, value): (&value::Key, &value::Value)| {
        outcome.with(&key.to_string(), value.clone())
    };
    Ok(checkout.iter().fold(outcome, both))
}

/// Has an app run as an invocation says. `moved` says that its code has changed, which only a new start brings in.
pub(crate) fn bring_about(
    context: &Context<'_>,
    invocation: &Invocation,
    source: &Path,
    moved: bool,
) -> Result<Outcome, Failure> {
    let app = &invocation.app;
    if invocation.is_done(context) && !moved {
        return Ok(Outcome::unchanged(format!("App {app} is already running")));
    }
    let known = invocation.is_known(context)?;
    let planned = context.host().is_plan() && changes_below(context, source);
    let look = match (known, planned) {
        // The files that describe it are still to be written; nothing runs, so it will be started.
        (None | Some(false), true) => None,
        (Some(true), true) => {
            return Err(HostError::Unknown {
                what: format!("what app {app} will be described by"),
                because: format!("{} changes before", source.display()),
            }
            .into());
        }
        _ => Some(invocation.look(context)?),
    };
    let differences = match look {
        Some(Err(why)) => {
            let outcome = Outcome::failed(format!("App {app} cannot be started\n{why}"));
            return Ok(
                outcome.hint("`pinch up --dry-run` in the app's folder shows the same without a state tree")
            );
        }
        Some(Ok(look)) if look.running.is_some() && look.differences.is_empty() && !moved => {
            let release = look.running.unwrap_or_default();
            return Ok(Outcome::unchanged(format!("App {app} is already running (release {release})")));
        }
        Some(Ok(look)) => look.differences,
        None => Map::new(),
    };
    let was = known == Some(true);
    if let Some(why) = invocation.start(context, known.is_some())? {
        let stays = if was { "; what ran before goes on" } else { "" };
        let outcome = Outcome::failed(format!("App {app} did not come up{stays}\n{why}"));
        return Ok(outcome.hint(format!("`pinch logs -a {app}` shows all that its processes said")));
    }
    let verb = if was { "updated" } else { "started" };
    let comment = context.words(format!("App {app} was {verb}"), format!("App {app} would be {verb}"));
    let mut changes = Map::new();
    if was && !differences.is_empty() {
        changes.insert(app.as_str(), differences);
    } else {
        changes.insert(app.as_str(), if was { "restarted" } else { "started" });
    }
    Ok(Outcome::changed(comment, changes))
}

/// A watched state has changed: the app is started anew, without a gap.
pub(super) fn watch_running(context: &Context<'_>, asked: Running) -> Result<Outcome, Failure> {
    restart(context, &asked.invocation())
}

/// Starts the processes of an app anew.
pub(crate) fn restart(context: &Context<'_>, invocation: &Invocation) -> Result<Outcome, Failure> {
    let app = &invocation.app;
    if invocation.is_known(context)? != Some(true) {
        return Ok(Outcome::unchanged(format!("App {app} does not run")));
    }
    if let Some(why) = invocation.restart(context)? {
        let outcome = Outcome::failed(format!("App {app} did not restart; what ran before goes on\n{why}"));
        return Ok(outcome.hint(format!("`pinch logs -a {app}` shows all that its processes said")));
    }
    let comment = context.words(format!("App {app} was restarted"), format!("App {app} would be restarted"));
    Ok(Outcome::unchanged(comment).with(app, "restarted"))
}

/// See [`Absent`].
pub(super) fn absent(context: &Context<'_>, asked: Absent) -> Result<Outcome, Failure> {
    let invocation = Invocation { app: asked.name, home: asked.home, words: Vec::new(), config: Map::new() };
    let app = &invocation.app;
    let Some(ran) = invocation.is_known(context)? else {
        return Ok(Outcome::unchanged(format!("App {app} is already absent")));
    };
    if let Some(why) = invocation.end(context, true, ran)? {
        let outcome = Outcome::failed(format!("App {app} could not be removed\n{why}"));
        return Ok(outcome.hint(format!("`pinch down -a {app}` does the same by hand")));
    }
    let comment = context.words(format!("App {app} was removed"), format!("App {app} would be removed"));
    Ok(Outcome::unchanged(comment).with(app, "removed"))
}

/// Whether the run has changed, or would have changed, something that an app is made from.
fn changes_below(context: &Context<'_>, source: &Path) -> bool {
    let below = |change: &Change| match change {
        Change::File { path, .. } => path.starts_with(source) || source.starts_with(path),
        _ => false,
    };
    context.host().changes_since(0).iter().any(below)
}

fn below(folder: &str, path: &str) -> String {
    Path::new(folder).join(path).display().to_string()
}

fn formation_text(formation: &value::Value) -> String {
    match &formation.data {
        Data::Map(counts) => {
            let pairs = counts.iter().map(|(name, count)| format!("{name}={count}"));
            pairs.collect::<Vec<_>>().join(",")
        }
        _ => AnyText(formation.to_string()).0,
    }
}
