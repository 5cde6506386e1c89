//! Running git.

use std::path::Path;

use host::{Action, Command, Effect, Fact, HostError, Outcome, Owner, Subject};
use value::{Map, Value};

use crate::{Caller, Context, Failure};

/// Git, as one user, with what it needs to reach a remote repository.
pub(super) struct Git<'a> {
    pub(super) context: &'a Context<'a>,
    user: Option<String>,
    variables: Vec<(String, String)>,
    secret: Vec<(String, String)>,
}

/// What came of an act.
pub(super) enum Done {
    /// It ran; this is what it printed, errors included.
    Ran(String),
    /// It is only planned.
    Planned,
}

/// Why git refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It exited with an error and these words.
    Said(String),
    /// It could not be run, or cannot be known yet.
    Host(HostError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Said(words) => {
                let hint = advice(&words);
                Self::message(words).hint(hint)
            }
            Refusal::Host(error) => Self::Host(error),
        }
    }
}

impl<'a> Git<'a> {
    /// Git as a user; `None` is whoever owns the checkout, or the user that Pinch runs as.
    pub(super) fn new(context: &'a Context<'a>, user: Option<&str>) -> Self {
        let variables = [("GIT_TERMINAL_PROMPT", "0"), ("GIT_ASKPASS", "true"), ("LC_ALL", "C")];
        let variables = variables.map(|(name, value)| (name.to_string(), value.to_string())).to_vec();
        Self { context, user: user.map(String::from), variables, secret: Vec::new() }
    }

    /// With the owner of a checkout as user, where none was asked for.
    pub(super) fn owned_like(mut self, target: &str) -> Self {
        let found = self.context.host().metadata(Path::new(target)).ok().flatten();
        if let (None, Some(found)) = (&self.user, found) {
            self.user = match found.user {
                Owner::Id(0) => None,
                Owner::Id(id) => {
                    let user = host::accounts::user_by_id(self.context.host(), id).ok().flatten();
                    user.map(|user| user.name)
                }
                Owner::Name(name) => Some(name),
            };
        }
        self
    }

    /// With keys for SSH. An unknown server's key is taken on first sight; one that has changed is refused.
    pub(super) fn with_identity(mut self, identity: &[String]) -> Self {
        let mut ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new".to_string();
        if !identity.is_empty() {
            ssh.push_str(" -o IdentitiesOnly=yes");
        }
        for path in identity {
            ssh.push_str(&format!(" -i '{}'", path.replace('\'', r"'\''")));
        }
        self.variables.push(("GIT_SSH_COMMAND".into(), ssh));
        self
    }

    /// With a name and password for HTTPS. They are passed in variables that only git and its helper see.
    pub(super) fn with_password(mut self, user: Option<&str>, password: Option<&str>) -> Self {
        if let Some(user) = user {
            let helper = "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \
                          \"$PINCH_GIT_USER\" \"$PINCH_GIT_PASSWORD\"; }; f";
            self.secret = [
                ("PINCH_GIT_USER", user),
                ("PINCH_GIT_PASSWORD", password.unwrap_or_default()),
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "credential.helper"),
                ("GIT_CONFIG_VALUE_0", helper),
            ]
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .to_vec();
        }
        self
    }

    /// Runs git to look; the words it printed, without the line end.
    pub(super) fn look(&self, arguments: &[&str]) -> Result<String, Refusal> {
        let output = self.context.host().probe(&self.command(arguments)).map_err(Refusal::Host)?;
        if output.succeeded() {
            Ok(output.stdout_text().trim_end().to_string())
        } else {
            Err(Refusal::Said(said(&output)))
        }
    }

    /// Runs git to look, in a checkout. `None` when git says no.
    pub(super) fn ask(&self, target: &str, arguments: &[&str]) -> Result<Option<String>, Failure> {
        match self.look_in(target, arguments) {
            Ok(answer) => Ok(Some(answer)),
            Err(Refusal::Said(_)) => Ok(None),
            Err(Refusal::Host(error)) => Err(error.into()),
        }
    }

    /// [`look`](Self::look) in a checkout.
    pub(super) fn look_in(&self, target: &str, arguments: &[&str]) -> Result<String, Refusal> {
        let at = self.real(target);
        self.look(&[&["-C", &at], arguments].concat())
    }

    /// Runs git to change something.
    pub(super) fn act(&self, arguments: &[&str], effects: Vec<Effect>) -> Result<Done, Refusal> {
        if self.context.caller == Caller::Template {
            return Err(Refusal::Said("git cannot change anything while a template renders".into()));
        }
        let action = Action::new(self.command(arguments), effects);
        match self.context.host().act(&action).map_err(Refusal::Host)? {
            Outcome::Planned => Ok(Done::Planned),
            Outcome::Ran(output) if output.succeeded() => {
                Ok(Done::Ran(format!("{}{}", output.stdout_text(), output.stderr_text())))
            }
            Outcome::Ran(output) => Err(Refusal::Said(said(&output))),
        }
    }

    /// [`act`](Self::act) in a checkout.
    pub(super) fn act_in(
        &self,
        target: &str,
        arguments: &[&str],
        effects: Vec<Effect>,
    ) -> Result<Done, Refusal> {
        let at = self.real(target);
        self.act(&[&["-C", &at], arguments].concat(), effects)
    }

    /// The user that a new checkout should belong to.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// What an act touches that is no end in itself: references, the index. Keeps the journal from taking it
    /// for a command that may have done anything.
    pub(super) fn touches(target: &str) -> Vec<Effect> {
        let subject = Subject::new("git-references", target);
        vec![Effect { subject, before: Fact::Unknown, after: Fact::Unknown }]
    }

    /// A path on the host as git has to be told it.
    pub(super) fn real(&self, path: &str) -> String {
        match self.context.host().root() {
            Some(root) => root.join(path.trim_start_matches('/')).display().to_string(),
            None => path.to_string(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let outside = self.context.host().root().is_some();
        let safe: &[&str] = if outside {
            &["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "safe.directory=*"]
        } else {
            &[]
        };
        let mut command = Command::new(["git"].iter().chain(safe).chain(arguments).copied());
        for (name, value) in self.variables.iter().chain(&self.secret) {
            command = command.variable(name, value);
        }
        command.outside = outside;
        if !outside && let Some(user) = &self.user {
            if let Ok(Some(account)) = host::accounts::user(self.context.host(), user) {
                command = command.variable("HOME", account.home);
            }
            command.user = Some(user.clone());
        }
        command
    }
}

fn said(output: &host::Output) -> String {
    let words = output.stderr_text();
    let words = if words.trim().is_empty() { output.stdout_text() } else { words };
    words.trim().to_string()
}

/// What to do about what git said.
pub(super) fn advice(words: &str) -> &'static str {
    let signs: [(&[&str], &'static str); 8] = [
        (
            &["does not appear to be a git repository", "epository not found", "does not exist"],
            "write the repository as git takes it: a URL, the path of one on the machine, or `salt://…`; whoever asks \
             must be allowed to read it",
        ),
        (
            &["Permission denied (publickey", "publickey,"],
            "name a key that the server knows: `- identity: /root/.ssh/id_ed25519`",
        ),
        (
            &["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"],
            "the server's key is not the one of before: if that is right, take the old one away with `ssh-keygen -R HOST`",
        ),
        (
            &["could not read Username", "could not read Password", "Authentication failed"],
            "name an account of the server: `- https_user: …` and `- https_pass: …` from pillar",
        ),
        (
            &["Could not resolve host"],
            "look at the host's name, and whether the machine's name server answers",
        ),
        (
            &["unable to access", "Connection refused", "Connection timed out", "unable to connect"],
            "the machine does not reach the server: look at the address, the network and the proxy",
        ),
        (
            &["Permission denied"],
            "`- user: NAME` says as whom git runs; that user needs the right to write there",
        ),
        (&["No space left"], "free some space and run again"),
    ];
    let found = signs.iter().find(|(signs, _)| signs.iter().any(|sign| words.contains(sign)));
    found.map_or(
        "those are git's own words: the same command by hand, as the state's `user`, says more",
        |(_, it)| it,
    )
}

/// A URL without what would let its reader in.
pub(super) fn redacted(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => match rest.split_once('@') {
            Some((secret, host)) if !secret.contains('/') => format!("{scheme}://<redacted>@{host}"),
            _ => url.to_string(),
        },
        _ => url.to_string(),
    }
}

/// Salt's `changes` for a move from one revision to another.
pub(super) fn revisions(old: Option<&str>, new: Option<&str>) -> Map {
    [("old", Value::from(old)), ("new", Value::from(new))].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn urls_lose_their_secrets() {
        for (url, shown) in [
            ("https://bob:pw@example.org/x.git", "https://<redacted>@example.org/x.git"),
            ("https://example.org/a@b.git", "https://example.org/a@b.git"),
            ("git@example.org:x.git", "git@example.org:x.git"),
            ("ssh://git@example.org/x.git", "ssh://git@example.org/x.git"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
