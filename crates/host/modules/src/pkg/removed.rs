//! `pkg.removed` and `pkg.purged`.

use value::Map;

use super::installed::names_of;
use super::inventory::Inventory;
use super::provider::{Deed, Options, Request, provider};
use super::transaction::{Refusal, perform, simulate};
use super::wanted::Wanted;
use crate::{AnyText, Context, Failure, Names, Outcome};

arguments! {
    /// Keeps packages away.
    pub(super) struct Removed {
        /// The package, when `pkgs` is not given.
        name: String,
        /// Only when its version satisfies these conditions.
        version: Option<AnyText>,
        /// Several packages at once, each alone or as `name: version`.
        pkgs: Option<Names>,
        /// Take a package of the machine's own architecture by its plain name.
        normalize: bool = true,
        /// Whether epochs count.
        ignore_epoch: Option<bool>
        ;.. others
    }
}

/// See [`Removed`]: edited configuration files stay.
pub(super) fn removed(context: &Context<'_>, arguments: Removed) -> Result<Outcome, Failure> {
    away(context, &arguments, false)
}

/// See [`Removed`]: configuration goes too.
pub(super) fn purged(context: &Context<'_>, arguments: Removed) -> Result<Outcome, Failure> {
    away(context, &arguments, true)
}

fn away(context: &Context<'_>, arguments: &Removed, purge: bool) -> Result<Outcome, Failure> {
    let host = context.host();
    let provider = provider(context)?;
    let inventory = Inventory::of(host)?;
    let verb = if purge { "purged" } else { "removed" };
    let mut names: Vec<String> = Vec::new();
    let mut targets: Vec<String> = Vec::new();
    let mut versions = false;
    for (name, version) in names_of(&arguments.name, arguments.pkgs.as_ref()) {
        let name = if arguments.normalize { inventory.normalized(&name) } else { name };
        let single = arguments.version.as_ref().filter(|_| arguments.pkgs.is_none()).map(ToString::to_string);
        let wanted = version.or(single).and_then(|version| Wanted::read(&version));
        versions |= wanted.is_some();
        if let Some(package) = inventory.package(&name)?
            && (package.installed || purge)
            && wanted
                .is_none_or(|wanted| wanted.allows(provider, &package.version, arguments.ignore_epoch, false))
        {
            targets.push(name.clone());
        }
        names.push(name);
    }
    targets.sort();
    targets.dedup();
    if targets.is_empty() {
        return Ok(Outcome::unchanged(if purge {
            "None of the targeted packages are installed or partially installed".to_string()
        } else {
            let suffix = if versions { " (matching specified versions)" } else { "" };
            format!("All specified packages{suffix} are already absent")
        }));
    }
    let request = Request {
        deed: if purge { Deed::Purge } else { Deed::Remove },
        packages: targets.iter().map(|name| (name.clone(), None)).collect(),
        options: Options::default(),
    };
    let simulation = match simulate(host, provider, &request)? {
        Ok(simulation) => simulation,
        // A plan may remove what an earlier step of it installs: the package manager does not know it yet.
        Err(Refusal::Unknown(unknown)) if host.is_plan() && unknown.iter().all(|it| targets.contains(it)) => {
            super::provider::Simulation::default()
        }
        Err(Refusal::Unknown(unknown)) => {
            return Ok(Outcome::failed(format!("The package manager does not know {}", unknown.join(", ")))
                .hint("correct the name: `pinch call pkg.list_pkgs` lists what is installed")
                .blames(if arguments.pkgs.is_some() { "pkgs" } else { "name" }));
        }
        Err(Refusal::Other(said)) => {
            return Ok(said.outcome("An error was encountered while removing package(s): "));
        }
    };
    let done = perform(host, provider, &request, &simulation)?;
    let changes: Map = if purge {
        [("removed", done.removed_changes), ("installed", done.changes)].into_iter().collect()
    } else {
        done.changes
    };
    let after = Inventory::of(host)?;
    let mut failed = Vec::new();
    for name in &targets {
        if after.package(name)?.is_some_and(|package| package.installed || purge) {
            failed.push(name.as_str());
        }
    }
    if !failed.is_empty() {
        let action = if purge { "purge" } else { "remove" };
        let mut comment = format!("The following packages failed to {action}: {}.", failed.join(", "));
        let mut advice = "other packages may need them: `apt-get remove NAME` by hand says why";
        if let Some(said) = done.error {
            comment = format!("{comment}\n{}", said.words);
            advice = said.advice;
        }
        return Ok(Outcome { changes, ..Outcome::failed(comment).hint(advice) });
    }
    if host.is_plan() {
        let comment = format!("The following packages will be {verb}: {}.", targets.join(", "));
        return Ok(Outcome::changed(comment, changes));
    }
    let mut absent: Vec<&str> =
        names.iter().filter(|name| !targets.contains(name)).map(String::as_str).collect();
    absent.sort_unstable();
    let comment = if absent.is_empty() {
        format!("All targeted packages were {verb}.")
    } else {
        format!(
            "The following packages were not installed: {} The following packages were {verb}: {}.",
            absent.join(", "),
            targets.join(", ")
        )
    };
    Ok(Outcome::changed(comment, changes))
}
