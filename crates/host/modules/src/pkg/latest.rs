//! `pkg.latest` and `pkg.uptodate`.

use value::Map;

use super::installed::names_of;
use super::inventory::{Inventory, change};
use super::provider::{Deed, Options, Provider, Request, Simulation, provider};
use super::transaction::{Refresh, Refusal, perform, refresh, simulate};
use crate::{Context, Failure, Names, Outcome};

arguments! {
    /// Keeps packages installed in the newest version that there is.
    pub(super) struct Latest {
        /// The package, when `pkgs` is not given.
        name: String,
        /// Several packages at once.
        pkgs: Option<Names>,
        /// Not supported here; use `pkg.installed`.
        sources: Option<Names>,
        /// Whether lists of packages are fetched first; by default once a run.
        refresh: Option<bool>,
        /// Lists younger than this many seconds are not fetched again.
        cache_valid_time: Option<i64>,
        /// The release or repository to take them from.
        fromrepo: Option<String>,
        /// Whether recommended packages come along.
        install_recommends: Option<bool>,
        /// Upgrade only, never install.
        only_upgrade: bool = false,
        /// Accept packages that nobody has signed.
        skip_verify: bool = false,
        /// Change packages even if they are held.
        update_holds: bool = false
        ;.. others
    }
}

/// See [`Latest`].
pub(super) fn latest(context: &Context<'_>, arguments: Latest) -> Result<Outcome, Failure> {
    if arguments.sources.is_some() {
        return Ok(Outcome::failed("The \"sources\" parameter is not supported.")
            .hint("package files have one version: use `pkg.installed`")
            .blames("sources"));
    }
    if arguments.pkgs.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Outcome::unchanged("No packages to install provided"));
    }
    let host = context.host();
    let provider = provider(context)?;
    let asked = Refresh { wanted: arguments.refresh, valid: arguments.cache_valid_time };
    let warning = refresh(host, provider, asked)?;
    let inventory = Inventory::of(host)?;
    let names: Vec<String> = names_of(&arguments.name, arguments.pkgs.as_ref())
        .into_iter()
        .map(|(name, _)| inventory.normalized(&name))
        .collect();
    let available = provider.parse_query(&host.probe(&provider.query(&names))?.stdout_text());
    let (mut targets, mut current, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for name in &names {
        let candidate = available.get(name).and_then(|known| known.candidate.clone());
        match (candidate, inventory.version(name)?) {
            (None, None) => problems.push(format!("No information found for '{name}'.")),
            (Some(candidate), there) if is_newer(provider, &candidate, there.as_deref()) => {
                targets.push((name.clone(), Some(candidate)));
            }
            _ => current.push(name.clone()),
        }
    }
    if !problems.is_empty() {
        return Ok(Outcome::failed(problems.join(" "))
            .hint("correct the name, or add the repository that has it")
            .blames(if arguments.pkgs.is_some() { "pkgs" } else { "name" }));
    }
    if targets.is_empty() {
        return Ok(Outcome::unchanged(match names.as_slice() {
            [name] => format!("Package {name} is already up-to-date"),
            names if names.len() > 10 => format!("All {} packages are up-to-date.", names.len()),
            names => format!("All packages are up-to-date ({}).", sorted(names.iter())),
        }));
    }
    let options = Options {
        recommends: arguments.install_recommends,
        fromrepo: arguments.fromrepo.clone(),
        only_upgrade: arguments.only_upgrade,
        skip_verify: arguments.skip_verify,
        update_holds: arguments.update_holds,
        ..Options::default()
    };
    let request = Request { deed: Deed::Install, packages: targets.clone(), options };
    let simulation = match simulated(context, provider, &request)? {
        Ok(simulation) => simulation,
        Err(outcome) => return Ok(outcome),
    };
    let done = perform(host, provider, &request, &simulation)?;
    if let Some(said) = done.error {
        let failed = said.outcome("An error was encountered while installing package(s): ");
        return Ok(Outcome { changes: done.changes, ..failed });
    }
    let after = Inventory::of(host)?;
    let (mut failed, mut successful) = (Vec::new(), Vec::new());
    for (name, version) in &targets {
        if after.version(name)? == *version { successful.push(name) } else { failed.push(name) }
    }
    let changes = done.changes;
    let mut comments = Vec::new();
    if !failed.is_empty() {
        comments.push(format!("The following packages failed to update: {}", sorted(failed.iter())));
    }
    if !successful.is_empty() {
        let names = sorted(successful.iter());
        comments.push(context.words(
            format!("The following packages were successfully installed/upgraded: {names}"),
            format!("The following packages would be installed/upgraded: {names}"),
        ));
    }
    if !current.is_empty() {
        comments.push(match current.len() {
            0..=10 => context.words(
                format!("The following packages were already up-to-date: {}", sorted(current.iter())),
                format!("The following packages are already up-to-date: {}", sorted(current.iter())),
            ),
            count => format!("{count} packages were already up-to-date "),
        });
    }
    let comment = comments.join(context.words(" ", "\n"));
    let outcome = if failed.is_empty() {
        Outcome::changed(comment, changes)
    } else {
        let hint =
            "the package manager ended well and left them out: `apt-get install NAME` by hand says why";
        Outcome { changes, ..Outcome::failed(comment).hint(hint) }
    };
    Ok(warning.into_iter().fold(outcome, Outcome::warn))
}

fn is_newer(provider: &dyn Provider, candidate: &str, there: Option<&str>) -> bool {
    there.is_none_or(|there| provider.compare(candidate, there).is_gt())
}

fn sorted<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let mut names: Vec<String> = names.map(|name| name.as_ref().to_string()).collect();
    names.sort();
    names.join(", ")
}

/// The simulation, or the failure that it tells of.
fn simulated(
    context: &Context<'_>,
    provider: &dyn Provider,
    request: &Request,
) -> Result<Result<Simulation, Outcome>, Failure> {
    Ok(simulate(context.host(), provider, request)?.map_err(|refusal| {
        let before = "An error was encountered while installing package(s): ";
        match refusal {
            Refusal::Unknown(names) => Outcome::failed(format!("{before}no package {}", names.join(", ")))
                .hint("correct the name, add the repository that has it, or add `- refresh: True`"),
            Refusal::Other(said) => said.outcome(before),
        }
    }))
}

arguments! {
    /// Keeps all packages in the newest version that there is.
    pub(super) struct UpToDate {
        /// Any name.
        name: String,
        /// Only these packages.
        pkgs: Option<Names>,
        /// Whether lists of packages are fetched first.
        refresh: Option<bool>,
        /// Lists younger than this many seconds are not fetched again.
        cache_valid_time: Option<i64>,
        /// Whether packages may be added and removed for it.
        dist_upgrade: bool = false,
        /// Where a person has edited a configuration file, take the package's.
        force_conf_new: bool = false
        ;.. others
    }
}

/// See [`UpToDate`].
pub(super) fn uptodate(context: &Context<'_>, arguments: UpToDate) -> Result<Outcome, Failure> {
    let host = context.host();
    let provider = provider(context)?;
    let asked = Refresh { wanted: arguments.refresh.or(Some(false)), valid: arguments.cache_valid_time };
    let warning = refresh(host, provider, asked)?;
    let options = Options { force_conf_new: arguments.force_conf_new, ..Options::default() };
    let upgrade = Deed::Upgrade { dist: arguments.dist_upgrade };
    let mut request = Request { deed: upgrade, packages: Vec::new(), options };
    let mut simulation = match simulated(context, provider, &request)? {
        Ok(simulation) => simulation,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(pkgs) = &arguments.pkgs {
        simulation.installs.retain(|(name, _)| pkgs.iter().any(|(wanted, _)| wanted == name));
        simulation.removes.clear();
        request.deed = Deed::Install;
        request.packages =
            simulation.installs.iter().map(|(name, version)| (name.clone(), Some(version.clone()))).collect();
    }
    let inventory = Inventory::of(host)?;
    let mut pending = false;
    for (name, version) in &simulation.installs {
        pending |= inventory.version(name)?.as_ref() != Some(version);
    }
    for (name, _) in &simulation.removes {
        pending |= inventory.version(name)?.is_some();
    }
    if !pending {
        return Ok(Outcome::unchanged("System is already up-to-date"));
    }
    let done = perform(host, provider, &request, &simulation)?;
    if let Some(said) = done.error {
        let failed = said.outcome("An error was encountered while updating packages: ");
        return Ok(Outcome { changes: done.changes, ..failed });
    }
    let comment = context.words("Upgrade ran successfully", "System update will be performed");
    Ok(warning.into_iter().fold(Outcome::changed(comment, done.changes), Outcome::warn))
}

/// The upgrades that a simulation lists, with the versions that stand now.
pub(super) fn upgrades(inventory: &Inventory, simulation: &Simulation) -> Result<Map, Failure> {
    let mut upgrades = Map::new();
    for (name, version) in &simulation.installs {
        if let Some(old) = inventory.version(name)?
            && old != *version
        {
            upgrades.insert(name.as_str(), change(Some(&old), Some(version)));
        }
    }
    Ok(upgrades)
}
