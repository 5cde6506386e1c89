//! Execution functions.

use std::path::Path;

use value::{Map, Value};

use super::hold::Holding;
use super::installed::{changes_or_error, list};
use super::inventory::Inventory;
use super::latest::upgrades;
use super::provider::{Available, Deed, Options, Provider, Request, provider};
use super::transaction::{Refresh, Refusal, perform, refresh, simulate};
use super::wanted::{Wanted, sign};
use crate::{AnyText, Context, Failure, Names, Rest};

arguments! {
    /// The version of each package that is installed; empty text for others. One name answers one text.
    pub(super) struct Version {
        /// Names.
        names: Rest
        ;.. others
    }
}

/// See [`Version`].
pub(super) fn version(context: &Context<'_>, arguments: Version) -> Result<Value, Failure> {
    let inventory = Inventory::of(context.host())?;
    each(&arguments.names, |name| Ok(inventory.version(name)?.unwrap_or_default()))
}

arguments! {
    /// The newest version of each package that there is; empty text when that is installed already. One name
    /// answers one text.
    pub(super) struct LatestVersion {
        /// Names.
        names: Rest,
        /// Whether lists of packages are fetched first.
        refresh: bool = false
        ;.. others
    }
}

/// See [`LatestVersion`].
pub(super) fn latest_version(context: &Context<'_>, arguments: LatestVersion) -> Result<Value, Failure> {
    let provider = provider(context)?;
    let inventory = Inventory::of(context.host())?;
    fetch(context, provider, arguments.refresh)?;
    let names = texts(&arguments.names);
    let answer = context.host().probe(&provider.query(&names))?;
    let available = provider.parse_query(&answer.stdout_text());
    each(&arguments.names, |name| {
        let candidate = available.get(name).and_then(|known: &Available| known.candidate.clone());
        let there = inventory.version(name)?;
        let newer = |candidate: &String| {
            there.as_ref().is_none_or(|there| provider.compare(candidate, there).is_gt())
        };
        Ok(candidate.filter(newer).unwrap_or_default())
    })
}

/// Whether a newer version of the first package named can be had.
pub(super) fn upgrade_available(context: &Context<'_>, arguments: LatestVersion) -> Result<bool, Failure> {
    Ok(latest_version(context, arguments)?.is_truthy())
}

arguments! {
    /// All packages with their versions.
    pub(super) struct ListPackages {
        /// A list for each package instead of one text.
        versions_as_list: bool = false,
        /// Packages of which only configuration is left.
        removed: bool = false
        ;.. others
    }
}

/// See [`ListPackages`].
pub(super) fn list_pkgs(context: &Context<'_>, arguments: ListPackages) -> Result<Map, Failure> {
    let packages = Inventory::of(context.host())?.list(arguments.removed);
    Ok(packages
        .into_iter()
        .map(|(name, version)| {
            let version =
                if arguments.versions_as_list { Value::from(vec![version]) } else { Value::from(version) };
            (name, version)
        })
        .collect())
}

arguments! {
    /// -1, 0 or 1: how two versions are ordered.
    pub(super) struct Compare {
        /// One.
        pkg1: AnyText,
        /// The other.
        pkg2: AnyText,
        /// Leave epochs out.
        ignore_epoch: bool = false
        ;.. others
    }
}

/// See [`Compare`].
pub(super) fn version_cmp(context: &Context<'_>, arguments: Compare) -> Result<i64, Failure> {
    let provider = provider(context)?;
    let (left, right) = (arguments.pkg1.as_str(), arguments.pkg2.as_str());
    Ok(sign(if arguments.ignore_epoch {
        provider.compare(provider.without_epoch(left), provider.without_epoch(right))
    } else {
        provider.compare(left, right)
    }))
}

arguments! {
    /// Installs packages and answers what changed.
    pub(super) struct InstallPackages {
        /// The package, when `pkgs` is not given.
        name: Option<String>,
        /// Whether lists of packages are fetched first.
        refresh: bool = false,
        /// The release or repository to take them from.
        fromrepo: Option<String>,
        /// Several packages at once, each alone or as `name: version`.
        pkgs: Option<Names>,
        /// A version or conditions, for the one package.
        version: Option<AnyText>,
        /// Install again what is there already.
        reinstall: bool = false,
        /// Whether recommended packages come along.
        install_recommends: Option<bool>,
        /// Upgrade only, never install.
        only_upgrade: bool = false,
        /// Accept packages that nobody has signed.
        skip_verify: bool = false
        ;.. others
    }
}

/// See [`InstallPackages`].
pub(super) fn install(context: &Context<'_>, arguments: InstallPackages) -> Result<Map, Failure> {
    let provider = provider(context)?;
    fetch(context, provider, arguments.refresh)?;
    let single = arguments.version.as_ref().map(ToString::to_string);
    let asked = names(arguments.name.as_deref(), arguments.pkgs.as_ref(), single)?;
    let query: Vec<String> =
        asked.iter().filter(|(_, version)| version.is_some()).map(|(name, _)| name.clone()).collect();
    let available = if query.is_empty() {
        std::collections::BTreeMap::new()
    } else {
        provider.parse_query(&context.host().probe(&provider.query(&query))?.stdout_text())
    };
    let mut packages = Vec::new();
    for (name, version) in asked {
        let version = match version.as_deref().and_then(Wanted::read) {
            None => None,
            Some(wanted) => {
                let versions =
                    available.get(&name).map(|known| known.versions.as_slice()).unwrap_or_default();
                let best = wanted.best(provider, versions, None).ok_or_else(|| {
                    let text = wanted.beside(&name);
                    let listed = versions.join(", ");
                    Failure::message(format!(
                        "No version matching '{text}' could be found (available: {listed})"
                    ))
                    .hint("name one of those, or refresh the lists first: `pkg.refresh_db`")
                })?;
                Some(best.clone())
            }
        };
        packages.push((name, version));
    }
    let options = Options {
        recommends: arguments.install_recommends,
        fromrepo: arguments.fromrepo.clone(),
        reinstall: arguments.reinstall,
        only_upgrade: arguments.only_upgrade,
        skip_verify: arguments.skip_verify,
        ..Options::default()
    };
    carry_out(context, provider, &Request { deed: Deed::Install, packages, options })
        .map(|(changes, _)| changes)
}

arguments! {
    /// Removes packages and answers what changed.
    pub(super) struct Remove {
        /// The package, when `pkgs` is not given.
        name: Option<String>,
        /// Several packages at once.
        pkgs: Option<Names>
        ;.. others
    }
}

/// See [`Remove`].
pub(super) fn remove(context: &Context<'_>, arguments: Remove) -> Result<Map, Failure> {
    away(context, &arguments, Deed::Remove).map(|(changes, _)| changes)
}

/// See [`Remove`]: configuration goes too.
pub(super) fn purge(context: &Context<'_>, arguments: Remove) -> Result<Map, Failure> {
    let (installed, removed) = away(context, &arguments, Deed::Purge)?;
    Ok([("removed", removed), ("installed", installed)].into_iter().collect())
}

fn away(context: &Context<'_>, arguments: &Remove, deed: Deed) -> Result<(Map, Map), Failure> {
    let provider = provider(context)?;
    let inventory = Inventory::of(context.host())?;
    let mut packages = Vec::new();
    for (name, _) in names(arguments.name.as_deref(), arguments.pkgs.as_ref(), None)? {
        if inventory.package(&name)?.is_some_and(|package| package.installed || deed == Deed::Purge) {
            packages.push((inventory.normalized(&name), None));
        }
    }
    if packages.is_empty() {
        return Ok((Map::new(), Map::new()));
    }
    carry_out(context, provider, &Request { deed, packages, options: Options::default() })
}

fn carry_out(
    context: &Context<'_>,
    provider: &dyn Provider,
    request: &Request,
) -> Result<(Map, Map), Failure> {
    let host = context.host();
    let simulation = simulate(host, provider, request)?.map_err(|refusal| match refusal {
        Refusal::Unknown(names) => Failure::message(format!("no such package: {}", names.join(", ")))
            .hint("correct the name, or refresh the lists first: `pkg.refresh_db`"),
        Refusal::Other(said) => said.failure(),
    })?;
    let mut done = perform(host, provider, request, &simulation)?;
    let removed = std::mem::take(&mut done.removed_changes);
    Ok((changes_or_error(done)?, removed))
}

arguments! {
    /// Fetches the lists of packages.
    pub(super) struct RefreshDatabase {
        /// Lists younger than this many seconds are not fetched again.
        cache_valid_time: Option<i64>,
        /// Fail when a list could not be fetched.
        failhard: bool = false
        ;.. others
    }
}

/// See [`RefreshDatabase`].
pub(super) fn refresh_db(context: &Context<'_>, arguments: RefreshDatabase) -> Result<bool, Failure> {
    let provider = provider(context)?;
    let asked = Refresh { wanted: None, valid: arguments.cache_valid_time };
    match refresh(context.host(), provider, asked)? {
        Some(error) if arguments.failhard => {
            Err(Failure::message(error).hint("look at the network, the proxy and /etc/apt/sources.list"))
        }
        problem => Ok(problem.is_none()),
    }
}

arguments! {
    /// Packages of which a newer version can be had: `{name: version}`.
    pub(super) struct ListUpgrades {
        /// Whether lists of packages are fetched first.
        refresh: bool = true,
        /// Count upgrades that add or remove packages.
        dist_upgrade: bool = true
        ;.. others
    }
}

/// See [`ListUpgrades`].
pub(super) fn list_upgrades(context: &Context<'_>, arguments: ListUpgrades) -> Result<Map, Failure> {
    let provider = provider(context)?;
    fetch(context, provider, arguments.refresh)?;
    let deed = Deed::Upgrade { dist: arguments.dist_upgrade };
    let request = Request { deed, packages: Vec::new(), options: Options::default() };
    let output = context.host().probe(&provider.simulate(&request))?;
    let simulation = provider.parse_simulation(&output.stdout_text());
    let upgrades = upgrades(&Inventory::of(context.host())?, &simulation)?;
    Ok(upgrades
        .iter()
        .map(|(name, change)| (name.clone(), change.get("new").cloned().unwrap_or_default()))
        .collect())
}

arguments! {
    /// Holds packages at their version, or lets go of them.
    pub(super) struct Hold {
        /// The package, when `pkgs` is not given.
        name: Option<String>,
        /// Several packages at once.
        pkgs: Option<Names>
        ;.. others
    }
}

/// See [`Hold`].
pub(super) fn hold(context: &Context<'_>, arguments: Hold) -> Result<Map, Failure> {
    set_held(context, &arguments, true)
}

/// See [`Hold`].
pub(super) fn unhold(context: &Context<'_>, arguments: Hold) -> Result<Map, Failure> {
    set_held(context, &arguments, false)
}

fn set_held(context: &Context<'_>, arguments: &Hold, held: bool) -> Result<Map, Failure> {
    let mut holding = Holding::of(context)?;
    for (name, _) in names(arguments.name.as_deref(), arguments.pkgs.as_ref(), None)? {
        holding.set(&name, held)?;
    }
    Ok(holding.changes)
}

arguments! {
    /// Names of packages that are held.
    pub(super) struct Nothing {}
}

/// See [`Nothing`].
pub(super) fn held(context: &Context<'_>, _: Nothing) -> Result<Value, Failure> {
    Ok(list(&Inventory::of(context.host())?.held()))
}

arguments! {
    /// Which package a path belongs to. One path answers one text.
    pub(super) struct Owner {
        /// Paths.
        paths: Rest
        ;.. others
    }
}

/// See [`Owner`].
pub(super) fn owner(context: &Context<'_>, arguments: Owner) -> Result<Value, Failure> {
    each(&arguments.paths, |path| {
        let output = context.host().probe(&host::Command::new(["dpkg-query", "-S", path]))?;
        let text = output.stdout_text();
        Ok(text
            .lines()
            .next()
            .and_then(|line| line.rsplit_once(": "))
            .map_or("", |(name, _)| name)
            .to_string())
    })
}

arguments! {
    /// The files of packages, as `dpkg` keeps account of them.
    pub(super) struct FileList {
        /// Names.
        names: Rest
        ;.. others
    }
}

/// See [`FileList`].
pub(super) fn file_list(context: &Context<'_>, arguments: FileList) -> Result<Map, Failure> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in texts(&arguments.names) {
        if name.contains('/') {
            errors.push(format!("Package {name} is not available"));
            continue;
        }
        let path = Path::new("/var/lib/dpkg/info").join(format!("{name}.list"));
        match context.host().metadata(&path)? {
            None => errors.push(format!("Package {name} is not available")),
            Some(_) => {
                let content = context.host().read(&path)?;
                files.extend(String::from_utf8_lossy(&content).lines().map(String::from));
            }
        }
    }
    files.sort();
    files.dedup();
    Ok([("errors", Value::from(errors)), ("files", files.into())].into_iter().collect())
}

fn fetch(context: &Context<'_>, provider: &dyn Provider, wanted: bool) -> Result<(), Failure> {
    refresh(context.host(), provider, Refresh { wanted: Some(wanted), valid: None }).map(|_| ())
}

fn names(name: Option<&str>, pkgs: Option<&Names>, version: Option<String>) -> Result<Names, Failure> {
    match (pkgs, name) {
        (Some(pkgs), _) if !pkgs.is_empty() => Ok(pkgs.clone()),
        (_, Some(name)) => {
            Ok(name.split(',').map(|name| (name.trim().to_string(), version.clone())).collect())
        }
        _ => Err(Failure::message("no package is named").hint("name the package, or several with `pkgs`")),
    }
}

fn texts(rest: &Rest) -> Vec<String> {
    rest.0.iter().map(ToString::to_string).collect()
}

/// One name answers its text, several answer a map.
fn each(names: &Rest, answer: impl Fn(&str) -> Result<String, Failure>) -> Result<Value, Failure> {
    let names = texts(names);
    if let [name] = names.as_slice() {
        return answer(name).map(Value::from);
    }
    names
        .iter()
        .map(|name| Ok((name.as_str(), answer(name)?)))
        .collect::<Result<Map, Failure>>()
        .map(Value::from)
}
