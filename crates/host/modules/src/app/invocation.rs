//! What is said to the keeper, and what it answers.

use host::{Action, Command, Effect, Fact, Output, Subject};
use sha2::{Digest as _, Sha256};
use value::{Data, Map, Value};

use crate::{Context, Failure};

/// This program, also after its file was replaced.
const OWN_PROGRAM: &str = "/proc/self/exe";
/// What apps find programs by, unless they set it themselves.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Commands about one app.
pub(crate) struct Invocation {
    /// The app's name.
    pub app: String,
    /// The keeper's home, if it is not the machine's own.
    pub home: Option<String>,
    /// Words of `up`: the folder and what describes the app.
    pub words: Vec<String>,
    /// Config vars.
    pub config: Map,
}

/// How it is with an app.
pub(crate) struct Look {
    /// The release that runs; `None` when none does.
    pub running: Option<i64>,
    /// What a start would change, as `what: before -> after`; empty when everything is as declared.
    pub differences: Map,
}

impl Invocation {
    /// What a start would change. `Err` holds what was wrong with the app's files.
    pub(crate) fn look(&self, context: &Context<'_>) -> Result<Result<Look, String>, Failure> {
        let command = self.up(&["--dry-run", "--out", "json"]);
        let output = context.host().probe(&command)?;
        if !output.succeeded() {
            return Ok(Err(words_of(&output)));
        }
        let answer = value::json::from_text(&output.stdout_text())
            .map_err(|_| Failure::message(format!("`{}` answered no JSON", command.text())))?;
        let running = answer
            .get("release")
            .and_then(Value::as_int)
            .filter(|_| answer.get("running").is_some_and(Value::is_truthy));
        let mut differences = Map::new();
        if let Some(Data::List(list)) = answer.get("changes").map(|value| &value.data) {
            for change in list {
                let text =
                    |key: &str| change.get(key).map_or_else(|| "nothing".to_string(), ToString::to_string);
                let told: Map = [("old", text("before")), ("new", text("after"))].into_iter().collect();
                differences.insert(text("what").as_str(), told);
            }
        }
        Ok(Ok(Look { running, differences }))
    }

    /// Whether the app is known to the keeper, and whether it runs.
    pub(crate) fn is_known(&self, context: &Context<'_>) -> Result<Option<bool>, Failure> {
        if let Some(fact) = context.host().fact(&self.subject()) {
            return Ok(match fact {
                Fact::Absent => None,
                Fact::Present(value) => Some(value.get("running").is_none_or(Value::is_truthy)),
                Fact::Unknown => {
                    return Err(host::HostError::Unknown {
                        what: self.subject().to_string(),
                        because: "an earlier state changes it".into(),
                    }
                    .into());
                }
            });
        }
        let output = context.host().probe(&self.command(&["ps", "--out", "json"]))?;
        if !output.succeeded() {
            // No keeper, no app.
            return Ok(None);
        }
        let status = value::json::from_text(&output.stdout_text())
            .map_err(|_| Failure::message("`pinch ps` answered no JSON"))?;
        let Some(Data::List(apps)) = status.get("apps").map(|value| &value.data) else { return Ok(None) };
        let text = |app: &Value, key: &str| app.get(key).map(ToString::to_string).unwrap_or_default();
        let mine = apps.iter().find(|app| text(app, "name") == self.app);
        Ok(mine.map(|app| text(app, "wanted") == "running"))
    }

    /// Whether this run has started the app just so already.
    pub(crate) fn is_done(&self, context: &Context<'_>) -> bool {
        let fact = context.host().fact(&self.subject());
        matches!(fact, Some(Fact::Present(value)) if value.get("as").and_then(Value::as_str) == Some(&self.digest()))
    }

    /// Starts the app, or lets a new release take over. `Some` holds what went wrong.
    pub(crate) fn start(&self, context: &Context<'_>, was: bool) -> Result<Option<String>, Failure> {
        let command = self.up(&["--detach"]);
        self.act(context, command, was.then_some(true), Some(true))
    }

    /// Starts its processes anew.
    pub(crate) fn restart(&self, context: &Context<'_>) -> Result<Option<String>, Failure> {
        let command = self.command(&["restart", "--app", &self.app]);
        self.act(context, command, Some(true), Some(true))
    }

    /// Stops it, or forgets it altogether.
    pub(crate) fn end(
        &self,
        context: &Context<'_>,
        forget: bool,
        was: bool,
    ) -> Result<Option<String>, Failure> {
        let word = if forget { "down" } else { "stop" };
        let command = self.command(&[word, "--app", &self.app]);
        self.act(context, command, Some(was), (!forget).then_some(false))
    }

    fn act(
        &self,
        context: &Context<'_>,
        command: Command,
        before: Option<bool>,
        after: Option<bool>,
    ) -> Result<Option<String>, Failure> {
        let fact = |running: Option<bool>, started: Option<String>| match running {
            Some(running) => {
                let mut told: Map = [("running", running)].into_iter().collect();
                if let Some(digest) = started {
                    told.insert("as", digest);
                }
                Fact::Present(told.into())
            }
            None => Fact::Absent,
        };
        let after = fact(after, after.filter(|running| *running).map(|_| self.digest()));
        let effect = Effect { subject: self.subject(), before: fact(before, None), after };
        let output = context.host().act(&Action::new(command, vec![effect]))?.output();
        Ok(output.filter(|output| !output.succeeded()).map(|output| words_of(&output)))
    }

    /// What tells this declaration from others; config vars cannot be read from it.
    fn digest(&self) -> String {
        let text = format!("{:?} {}", self.words, value::json::to_text(&Value::from(self.config.clone())));
        Sha256::digest(text.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    fn up(&self, options: &[&str]) -> Command {
        let mut words: Vec<&str> = vec!["up", "--app", &self.app, "--config-file", "-"];
        words.extend(options);
        words.extend(self.words.iter().map(String::as_str));
        let mut command = self.command(&words);
        let mut config = Map::new();
        for (name, value) in self.config.iter() {
            config.insert(name.to_string().as_str(), value.to_string());
        }
        command.stdin = value::json::to_text(&Value::from(config)).into_bytes();
        command
    }

    fn command(&self, words: &[&str]) -> Command {
        let home = self.home.iter().flat_map(|home| ["--home", home.as_str()]);
        let mut command = Command::new(std::iter::once(OWN_PROGRAM).chain(words.iter().copied()).chain(home));
        command.clean_environment = true;
        command.variable("PATH", PATH)
    }

    fn subject(&self) -> Subject {
        Subject::new("app", &self.app)
    }
}

/// What a command said, for a comment: standard error from its first problem on, without what merely tells of progress.
fn words_of(output: &Output) -> String {
    let text = output.stderr_text();
    let from = if text.starts_with("error") { 0 } else { text.find("\nerror").unwrap_or(0) };
    text[from..].trim().to_string()
}
