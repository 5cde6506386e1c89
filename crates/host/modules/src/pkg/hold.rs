//! `pkg.held`, `pkg.unheld`, and holding along with `pkg.installed`.

use host::Action;
use value::{Map, Value};

use super::installed::names_of;
use super::inventory::Inventory;
use super::provider::{Provider, Said, provider};
use crate::{Context, Failure, Names, Outcome, Verdict};

arguments! {
    /// Keeps packages at the version that is installed.
    pub(super) struct Held {
        /// The package, when `pkgs` is not given.
        name: String,
        /// Accepted; apt holds whatever is installed.
        version: Option<crate::AnyText>,
        /// Several packages at once.
        pkgs: Option<Names>,
        /// Let go of every other package.
        replace: bool = false
        ;.. others
    }
}

/// See [`Held`].
pub(super) fn held(context: &Context<'_>, arguments: Held) -> Result<Outcome, Failure> {
    if arguments.pkgs.as_ref().is_some_and(Vec::is_empty) && !arguments.replace {
        return Ok(Outcome::unchanged("No packages to be held provided"));
    }
    let names: Vec<String> = match &arguments.pkgs {
        Some(pkgs) => pkgs.iter().map(|(name, _)| name.clone()).collect(),
        None => vec![arguments.name.clone()],
    };
    let mut holding = Holding::of(context)?;
    for name in &names {
        holding.set(name, true)?;
    }
    if arguments.replace {
        for name in Inventory::of(context.host())?.held() {
            if !names.contains(&name) {
                holding.set(&name, false)?;
            }
        }
    }
    Ok(holding.outcome())
}

arguments! {
    /// Lets packages be upgraded again.
    pub(super) struct Unheld {
        /// The package, when `pkgs` is not given.
        name: String,
        /// Accepted; apt holds whatever is installed.
        version: Option<crate::AnyText>,
        /// Several packages at once.
        pkgs: Option<Names>,
        /// Let go of all packages.
        all: bool = false
        ;.. others
    }
}

/// See [`Unheld`].
pub(super) fn unheld(context: &Context<'_>, arguments: Unheld) -> Result<Outcome, Failure> {
    if arguments.pkgs.as_ref().is_some_and(Vec::is_empty) && !arguments.all {
        return Ok(Outcome::unchanged("No packages to be unheld provided"));
    }
    let names = names_of(&arguments.name, arguments.pkgs.as_ref());
    let mut holding = Holding::of(context)?;
    for name in Inventory::of(context.host())?.held() {
        if arguments.all || names.iter().any(|(wanted, _)| *wanted == name) {
            holding.set(&name, false)?;
        }
    }
    Ok(holding.outcome())
}

/// Holds packages, or lets go of them, after `pkg.installed` has come to an outcome.
pub(super) fn along(
    context: &Context<'_>,
    provider: &'static dyn Provider,
    mut outcome: Outcome,
    names: &[String],
    held: bool,
) -> Result<Outcome, Failure> {
    let mut holding = Holding::with(context, provider);
    for name in names {
        let is_held = Inventory::of(context.host())?.package(name)?.is_some_and(|package| package.held);
        if is_held == held {
            let state = if held { "already set to be held" } else { "already set not to be held" };
            holding.comments.push(format!("Package {name} is {state}."));
        } else {
            holding.set(name, held)?;
        }
    }
    let joined: Vec<String> = std::iter::once(outcome.comment).chain(holding.comments).collect();
    outcome.comment = joined.join(if outcome.changes.is_empty() { ".\n" } else { "\n" });
    for (name, entry) in holding.changes {
        let name = name.to_string();
        let change = entry.value.get("changes").cloned().unwrap_or_default();
        outcome.changes.get_or_insert_with(name.as_str(), || change);
    }
    if holding.failed {
        outcome.verdict = Verdict::Failed;
        outcome = holding.advice.into_iter().fold(outcome, Outcome::hint);
    }
    Ok(outcome)
}

/// Holds and lets go, one package after another, and keeps account.
pub(super) struct Holding<'a> {
    context: &'a Context<'a>,
    provider: &'static dyn Provider,
    /// Salt's account: `{name: {name, changes, result, comment}}`.
    pub changes: Map,
    comments: Vec<String>,
    failed: bool,
    /// What to do about the last failure.
    advice: Option<String>,
}

impl<'a> Holding<'a> {
    pub(super) fn of(context: &'a Context<'a>) -> Result<Self, Failure> {
        Ok(Self::with(context, provider(context)?))
    }

    fn with(context: &'a Context<'a>, provider: &'static dyn Provider) -> Self {
        Self { context, provider, changes: Map::new(), comments: Vec::new(), failed: false, advice: None }
    }

    /// Holds a package, or lets go of it; nothing when it is so already.
    pub(super) fn set(&mut self, name: &str, held: bool) -> Result<(), Failure> {
        let host = self.context.host();
        let inventory = Inventory::of(host)?;
        let Some(package) = inventory.package(name)? else {
            self.failed = true;
            self.advice =
                Some(format!("only what is installed can be held: add a `pkg.installed` state for {name}"));
            let comment = if held { "not currently held" } else { "without a state" };
            self.comments.push(format!("Package {name} was not {}", if held { "held" } else { "unheld" }));
            self.account(name, false, Map::new(), &format!("Package {name} {comment}."));
            return Ok(());
        };
        if package.held == held {
            return Ok(());
        }
        let effect = inventory.holds(name, held)?;
        let action = Action::new(self.provider.hold(&[name.to_string()], held), vec![effect]);
        if let Some(output) = host.act(&action)?.output()
            && !output.succeeded()
        {
            self.failed = true;
            let Said { words: why, advice } = self.provider.explain(&output);
            self.advice = Some(advice.into());
            self.comments
                .push(format!("Package {name} was not {}: {why}", if held { "held" } else { "unheld" }));
            return Ok(());
        }
        let word = |held: bool| if held { "hold" } else { "install" };
        let changes: Map = [("new", word(held)), ("old", word(!held))].into_iter().collect();
        let comment = if held {
            self.context.words(
                format!("Package {name} is now being held"),
                format!("The following package would be held: {name}"),
            )
        } else {
            self.context.words(
                format!("Package {name} is no longer being held."),
                format!("The following package would be unheld: {name}"),
            )
        };
        let told = if held { "now being held" } else { "no longer being held" };
        self.account(name, true, changes, &format!("Package {name} is {told}."));
        self.comments.push(comment);
        Ok(())
    }

    fn account(&mut self, name: &str, result: bool, changes: Map, comment: &str) {
        let entry: Map = [
            ("name", Value::from(name)),
            ("changes", changes.into()),
            ("result", result.into()),
            ("comment", comment.into()),
        ]
        .into_iter()
        .collect();
        self.changes.insert(name, entry);
    }

    fn outcome(self) -> Outcome {
        let comment =
            if self.comments.is_empty() { "No changes made".to_string() } else { self.comments.join("\n") };
        let outcome = Outcome::changed(comment, self.changes);
        if !self.failed {
            return outcome;
        }
        self.advice.into_iter().fold(Outcome { verdict: Verdict::Failed, ..outcome }, Outcome::hint)
    }
}
