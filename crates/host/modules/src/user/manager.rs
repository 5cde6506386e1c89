//! Carrying out changes of accounts, in one of two ways.
//!
//! On a machine, and in a tree that has them inside, the shadow programs (`useradd`, `usermod`, `groupadd` …) do
//! it: they know about subordinate ids, audit and locks. In a tree that is to become a machine and has no such
//! programs yet, the files themselves are edited ([`super::database`]).

use host::{Action, Command, Host, HostError};

use super::accounts::Accounts;
use super::database;

/// What to do when such a program refuses.
pub(crate) const ADVICE: &str = "the words are the program's own; `pwck` and `grpck` find what is wrong with the account \
                                 files, and /etc/passwd.lock or /etc/.pwd.lock may be left of a program that died";

/// One command, and how the accounts are when it is done.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The command.
    pub command: Command,
    /// All accounts afterwards.
    pub after: Accounts,
}

/// A sequence of steps, each on top of the one before.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    before: Accounts,
    steps: Vec<Step>,
}

impl Steps {
    /// No step yet.
    pub(crate) fn from(before: Accounts) -> Self {
        Self { before, steps: Vec::new() }
    }

    /// How the accounts are after the last step.
    pub(crate) fn now(&self) -> &Accounts {
        self.steps.last().map_or(&self.before, |step| &step.after)
    }

    /// Adds a step.
    pub(crate) fn push(&mut self, command: Command, change: impl FnOnce(&mut Accounts)) {
        let mut after = self.now().clone();
        change(&mut after);
        self.steps.push(Step { command, after });
    }

    /// Carries the steps out, up to the first that fails; answers its words.
    pub(crate) fn carry_out(self, host: &dyn Host) -> Result<Option<String>, HostError> {
        if is_edited(host) {
            database::write(host, &self.before, self.now())?;
            return Ok(None);
        }
        let mut before = self.before;
        for Step { command, after } in self.steps {
            let effects = before.effects(&after);
            if let Some(output) = host.act(&Action { command: command.clone(), effects })?.output()
                && !output.succeeded()
            {
                let program = command.text();
                let program = program.split(' ').next().unwrap_or_default();
                let words = output.stderr_text();
                let words = words.trim();
                return Ok(Some(if words.is_empty() {
                    format!("{program} ended with {}", output.code)
                } else {
                    words.to_string()
                }));
            }
            before = after;
        }
        Ok(None)
    }
}

/// Whether the files are edited because there is no program to do it.
pub(crate) fn is_edited(host: &dyn Host) -> bool {
    host.root().is_some() && host.which("useradd").is_none()
}
