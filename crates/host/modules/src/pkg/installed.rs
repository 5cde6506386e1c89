//! `pkg.installed`.

use std::collections::BTreeMap;

use host::{Host, HostError};
use value::{Map, Value};

use super::inventory::{Inventory, change};
use super::provider::{Deed, Options, Provider, Request, provider};
use super::transaction::{self, Refresh, Refusal, lists_are_stale, perform, refresh, simulate};
use super::wanted::Wanted;
use super::{files, hold};
use crate::{AnyText, Context, Failure, Names, Outcome};

arguments! {
    /// Keeps packages installed, in any version or one that satisfies conditions.
    pub(super) struct Installed {
        /// The package, when neither `pkgs` nor `sources` is given.
        name: String,
        /// A version, a glob (`1.2*`), or conditions (`>=1.2, <2`); `latest` for the newest.
        version: Option<AnyText>,
        /// Several packages at once, each alone or as `name: version`.
        pkgs: Option<Names>,
        /// Package files, each as `name: path or salt:// address`.
        sources: Option<Names>,
        /// Whether lists of packages are fetched first; by default once a run, when something is to be installed.
        refresh: Option<bool>,
        /// Lists younger than this many seconds are not fetched again.
        cache_valid_time: Option<i64>,
        /// Whether the packages are held (`True`), or let go (`False`), at their version.
        hold: Option<bool>,
        /// Change packages even if they are held.
        update_holds: bool = false,
        /// The release or repository to take them from.
        fromrepo: Option<String>,
        /// Whether recommended packages come along.
        install_recommends: Option<bool>,
        /// Install again what is there already.
        reinstall: bool = false,
        /// Accept packages that nobody has signed.
        skip_verify: bool = false,
        /// Where a person has edited a configuration file, take the package's.
        force_conf_new: bool = false,
        /// Take a package of the machine's own architecture by its plain name.
        normalize: bool = true,
        /// Whether epochs count; by default they do when a condition has one or orders.
        ignore_epoch: Option<bool>,
        /// Accept a newer version than the one named.
        allow_updates: bool = false,
        /// Do not look for names that are alike when a package is not found.
        skip_suggestions: bool = false,
        /// Count packages that provide a name; always so here.
        resolve_capabilities: bool = false,
        /// Upgrade only, never install.
        only_upgrade: bool = false
        ;.. others
    }
}

impl Installed {
    fn options(&self) -> Options {
        Options {
            recommends: self.install_recommends,
            fromrepo: self.fromrepo.clone(),
            reinstall: self.reinstall,
            only_upgrade: self.only_upgrade,
            skip_verify: self.skip_verify,
            force_conf_new: self.force_conf_new,
            update_holds: self.update_holds,
        }
    }

    /// Name and conditions of each package, in the order they were named.
    fn desired(&self, inventory: &Inventory) -> Vec<Desired> {
        let single = vec![(self.name.clone(), self.version.as_ref().map(ToString::to_string))];
        let names = self.pkgs.clone().filter(|pkgs| !pkgs.is_empty()).unwrap_or(single);
        let mut desired: Vec<Desired> = Vec::new();
        for (name, version) in names {
            let name = if self.normalize { inventory.normalized(&name) } else { name };
            let latest = version.as_deref().is_some_and(|version| version.trim() == "latest");
            let wanted = version.filter(|_| !latest).and_then(|version| Wanted::read(&version));
            desired.retain(|earlier| earlier.name != name);
            desired.push(Desired { name, wanted, latest });
        }
        desired
    }
}

/// One package as it is wanted.
#[derive(Clone, Debug)]
struct Desired {
    name: String,
    wanted: Option<Wanted>,
    latest: bool,
}

impl Desired {
    fn text(&self) -> String {
        self.wanted.as_ref().map_or_else(|| self.name.clone(), |wanted| wanted.beside(&self.name))
    }
}

/// See [`Installed`].
pub(super) fn installed(context: &Context<'_>, arguments: Installed) -> Result<Outcome, Failure> {
    if arguments.pkgs.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Outcome::unchanged("No packages to install provided"));
    }
    let sources = arguments.sources.clone().unwrap_or_default();
    if !sources.is_empty() {
        if arguments.pkgs.is_some() {
            return Ok(Outcome::failed("Only one of \"pkgs\" and \"sources\" is permitted.")
                .hint("make two states: one with `pkgs`, one with `sources`")
                .blames("sources"));
        }
        return files::installed(context, &arguments, &sources);
    }
    let host = context.host();
    let provider = provider(context)?;
    let inventory = Inventory::of(host)?;
    let desired = arguments.desired(&inventory);

    let mut run = Run { context, provider, arguments: &arguments, desired: &desired, warnings: Vec::new() };
    let outcome = run.bring_about(&inventory)?;
    let names: Vec<String> = desired.iter().map(|desired| desired.name.clone()).collect();
    let outcome = match arguments.hold {
        Some(held) if outcome.verdict == crate::Verdict::Holds => {
            hold::along(context, provider, outcome, &names, held)?
        }
        _ => outcome,
    };
    Ok(run.warnings.into_iter().fold(outcome, Outcome::warn))
}

struct Run<'a> {
    context: &'a Context<'a>,
    provider: &'static dyn Provider,
    arguments: &'a Installed,
    desired: &'a [Desired],
    warnings: Vec<String>,
}

impl Run<'_> {
    fn host(&self) -> &dyn Host {
        self.context.host()
    }

    fn bring_about(&mut self, inventory: &Inventory) -> Result<Outcome, Failure> {
        let mut missing = Vec::new();
        for desired in self.desired {
            if desired.latest || self.arguments.reinstall || !self.is_satisfied(inventory, desired)? {
                missing.push(desired);
            }
        }
        if missing.is_empty() {
            return Ok(Outcome::unchanged(self.already()));
        }
        let asked = Refresh { wanted: self.arguments.refresh, valid: self.arguments.cache_valid_time };
        self.warnings.extend(refresh(self.host(), self.provider, asked)?);

        let packages = match self.versions(inventory, &missing)? {
            Ok(packages) => packages,
            Err(problems) => {
                return Ok(Outcome::failed(problems.join(" "))
                    .hint("name one of the versions that are available, or add `- refresh: True` to look for new ones")
                    .blames(if self.arguments.pkgs.is_some() { "pkgs" } else { "version" }));
            }
        };
        if packages.is_empty() {
            return Ok(Outcome::unchanged(self.already()));
        }
        let request =
            Request { deed: Deed::Install, packages: packages.clone(), options: self.arguments.options() };
        let simulation = match simulate(self.host(), self.provider, &request)? {
            Ok(simulation) => simulation,
            Err(refusal) => return self.refused(refusal),
        };
        let mut done = perform(self.host(), self.provider, &request, &simulation)?;
        let after = Inventory::of(self.host())?;
        for (name, _) in &packages {
            let version = after.version(name)?;
            if self.arguments.reinstall && version.is_some() && !done.changes.contains(name) {
                done.changes.insert(name.as_str(), change(version.as_ref(), version.as_ref()));
            }
        }
        self.report(&packages, done, &after)
    }

    fn already(&self) -> String {
        let versions = self.desired.iter().any(|desired| desired.wanted.is_some());
        let suffix = if versions { " and are at the desired version" } else { "" };
        format!("All specified packages are already installed{suffix}")
    }

    fn is_satisfied(&self, inventory: &Inventory, desired: &Desired) -> Result<bool, HostError> {
        let Some(version) = inventory.version(&desired.name)? else {
            return Ok(desired.wanted.is_none() && !desired.latest && inventory.is_provided(&desired.name));
        };
        let Installed { ignore_epoch, allow_updates, .. } = *self.arguments;
        Ok(desired
            .wanted
            .as_ref()
            .is_none_or(|wanted| wanted.allows(self.provider, &version, ignore_epoch, allow_updates)))
    }

    /// The exact version for each package that wants one, asked for all of them at once.
    #[expect(clippy::type_complexity, reason = "problems are an answer of their own, not a failure")]
    fn versions(
        &self,
        inventory: &Inventory,
        missing: &[&Desired],
    ) -> Result<Result<Vec<(String, Option<String>)>, Vec<String>>, Failure> {
        let asked: Vec<String> = missing
            .iter()
            .filter(|desired| desired.latest || desired.wanted.is_some())
            .map(|desired| desired.name.clone())
            .collect();
        let mut available = BTreeMap::new();
        if !asked.is_empty() {
            let output = self.host().probe(&self.provider.query(&asked))?;
            available = self.provider.parse_query(&output.stdout_text());
        }
        let (mut packages, mut problems) = (Vec::new(), Vec::new());
        for desired in missing {
            let known = available.get(&desired.name);
            if desired.latest {
                let candidate = known.and_then(|known| known.candidate.clone());
                let current = inventory.version(&desired.name)?;
                if candidate.is_none() || candidate != current || self.arguments.reinstall {
                    packages.push((desired.name.clone(), candidate));
                }
                continue;
            }
            let Some(wanted) = &desired.wanted else {
                packages.push((desired.name.clone(), None));
                continue;
            };
            let versions = known.map(|known| known.versions.as_slice()).unwrap_or_default();
            match wanted.best(self.provider, versions, self.arguments.ignore_epoch) {
                Some(version) => packages.push((desired.name.clone(), Some(version.clone()))),
                None => {
                    self.unless_blind(&desired.name)?;
                    let listed = if versions.is_empty() { "None".into() } else { versions.join(", ") };
                    problems.push(format!(
                        "No version matching '{}' could be found (available: {listed})",
                        desired.text()
                    ));
                }
            }
        }
        Ok(if problems.is_empty() { Ok(packages) } else { Err(problems) })
    }

    /// Under a plan whose lists of packages are older than its sources, absence says nothing.
    fn unless_blind(&self, name: &str) -> Result<(), Failure> {
        let host = self.host();
        if host.is_plan() && self.arguments.refresh != Some(false) && lists_are_stale(host)? {
            return Err(HostError::Unknown {
                what: format!("which versions of package {name} there are"),
                because: "the lists of packages have to be fetched first".into(),
            }
            .into());
        }
        Ok(())
    }

    fn refused(&self, refusal: Refusal) -> Result<Outcome, Failure> {
        let unknown = match refusal {
            Refusal::Other(said) => {
                return Ok(said.outcome("An error was encountered while installing package(s): "));
            }
            Refusal::Unknown(unknown) => unknown,
        };
        for name in &unknown {
            self.unless_blind(name)?;
        }
        let known = if self.arguments.skip_suggestions {
            String::new()
        } else {
            self.host().probe(&self.provider.all_names())?.stdout_text()
        };
        let (mut comments, mut strange, mut hints) = (Vec::new(), Vec::new(), Vec::new());
        for name in unknown {
            match report::suggest(&name, known.lines()) {
                Some(near) => {
                    hints.push(format!("did you mean `{near}`?"));
                    comments.push(format!("Package '{name}' not found (possible matches: {near})"));
                }
                None => strange.push(name),
            }
        }
        if !strange.is_empty() {
            strange.sort();
            comments.insert(
                0,
                format!(
                    "The following package(s) were not found, and no possible matches were found in the \
                     package db: {}",
                    strange.join(", ")
                ),
            );
        }
        if hints.is_empty() {
            hints.push("correct the name, add the repository that has it, or add `- refresh: True`".into());
        }
        let blamed = if self.arguments.pkgs.is_some() { "pkgs" } else { "name" };
        Ok(hints.into_iter().fold(Outcome::failed(comments.join(". ")), Outcome::hint).blames(blamed))
    }

    fn report(
        &self,
        packages: &[(String, Option<String>)],
        done: transaction::Done,
        after: &Inventory,
    ) -> Result<Outcome, Failure> {
        let targeted = |desired: &&Desired| packages.iter().any(|(name, _)| *name == desired.name);
        let (mut modified, mut failed) = (Vec::new(), Vec::new());
        for desired in self.desired.iter().filter(targeted) {
            let there = self.is_satisfied(after, desired)?
                || (desired.latest && after.version(&desired.name)?.is_some())
                // A virtual name was chosen a real package for.
                || (desired.wanted.is_none() && done.error.is_none() && !done.changes.is_empty());
            if there { modified.push(desired.text()) } else { failed.push(desired.text()) }
        }
        let untouched: Vec<String> =
            self.desired.iter().filter(|desired| !targeted(desired)).map(Desired::text).collect();
        let changes = done.changes;
        if let Some(said) = done.error {
            let failed = said.outcome("An error was encountered while installing package(s): ");
            return Ok(Outcome { changes, ..failed });
        }
        if self.host().is_plan() {
            let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
            let verb = if self.arguments.reinstall { "reinstalled" } else { "installed/updated" };
            let comment = format!("The following packages would be {verb}: {}", names.join(", "));
            return Ok(Outcome::changed(comment, changes));
        }
        let mut comments = Vec::new();
        if !failed.is_empty() {
            comments.push(format!("The following packages failed to install/update: {}", failed.join(", ")));
        }
        if !modified.is_empty() {
            comments.extend(self.told(&modified));
        }
        if !untouched.is_empty() {
            comments.push(match untouched.len() {
                0..=20 => format!("The following packages were already installed: {}", untouched.join(", ")),
                count => format!("{count} targeted packages were already installed"),
            });
        }
        let comment = comments.join("\n");
        Ok(if failed.is_empty() {
            Outcome::changed(comment, changes)
        } else {
            let hint =
                "the package manager ended well and left them out: `apt-get install NAME` by hand says why";
            Outcome { changes, ..Outcome::failed(comment).hint(hint) }
        })
    }

    fn told(&self, modified: &[String]) -> Vec<String> {
        if self.arguments.reinstall {
            return modified.iter().map(|text| format!("Package {text} was reinstalled.")).collect();
        }
        let summary = modified.join(", ");
        vec![if summary.chars().count() < 20 {
            format!("The following packages were installed/updated: {summary}")
        } else if modified.len() == 1 {
            "1 targeted package was installed/updated.".to_string()
        } else {
            format!("{} targeted packages were installed/updated.", modified.len())
        }]
    }
}

/// What Salt calls `{name: {old, new}}` for a call that is told from outside a state.
pub(super) fn changes_or_error(done: transaction::Done) -> Result<Map, Failure> {
    match done.error {
        Some(said) => Err(said.failure()),
        None => Ok(done.changes),
    }
}

/// The `name` of a state that stands for a list.
pub(super) fn names_of(name: &str, pkgs: Option<&Names>) -> Names {
    match pkgs {
        Some(pkgs) if !pkgs.is_empty() => pkgs.clone(),
        _ => vec![(name.to_string(), None)],
    }
}

/// A list of texts as a value.
pub(super) fn list(names: &[String]) -> Value {
    names.iter().map(String::as_str).collect()
}
