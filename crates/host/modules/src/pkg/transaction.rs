//! Carrying out a request: fetch lists if they are due, ask the package manager for its own simulation,
//! act with the effects that it foretells, and compare what stood before with what stands after.

use std::collections::BTreeSet;
use std::path::Path;

use host::{Action, Change, Effect, Fact, Host, HostError, Outcome, Subject};
use value::Map;

use super::inventory::{Inventory, difference};
use super::provider::{Deed, Provider, Request, Said, Simulation};
use crate::Failure;

/// When lists of packages are fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refresh {
    /// `Some(false)` never, otherwise once a run.
    pub wanted: Option<bool>,
    /// Lists younger than this many seconds are new enough.
    pub valid: Option<i64>,
}

/// Where apt keeps its lists.
const LISTS: &str = "/var/lib/apt/lists";

/// Fetches lists if they are due. A failure is answered as a remark: what is there may do.
pub(super) fn refresh(
    host: &dyn Host,
    provider: &dyn Provider,
    refresh: Refresh,
) -> Result<Option<String>, Failure> {
    let subject = Subject::new("package lists", "apt");
    if refresh.wanted == Some(false) || is_done(host, &subject) || is_fresh(host, refresh.valid)? {
        return Ok(None);
    }
    let after = Fact::Present([("fresh", true)].into_iter().collect::<Map>().into());
    let effect = Effect { subject, before: Fact::Absent, after };
    match host.act(&Action::new(provider.refresh(), vec![effect]))?.output() {
        Some(output) if !output.succeeded() => {
            let Said { words, advice } = provider.explain(&output);
            Ok(Some(format!("the lists of packages could not be fetched:\n{words}\n{advice}")))
        }
        _ => Ok(None),
    }
}

/// Whether an earlier step of this run did it: a form without facts has it in its journal.
fn is_done(host: &dyn Host, subject: &Subject) -> bool {
    let done = |change: &Change| matches!(change, Change::Effect(effect) if effect.subject == *subject);
    host.fact(subject).is_some() || host.changes_since(0).iter().any(done)
}

fn is_fresh(host: &dyn Host, valid: Option<i64>) -> Result<bool, HostError> {
    let Some(valid) = valid.filter(|seconds| *seconds > 0) else { return Ok(false) };
    let lists = host.metadata(Path::new(LISTS))?;
    Ok(lists.is_some_and(|lists| host.now().seconds.saturating_sub(lists.modified.seconds) < valid))
}

/// Whether a plan may be blind: sources have changed since the lists were fetched, or there are none.
pub(super) fn lists_are_stale(host: &dyn Host) -> Result<bool, HostError> {
    let lists = Path::new(LISTS);
    let Some(fetched) = host.metadata(lists)? else { return Ok(true) };
    if !host.list(lists)?.iter().any(|entry| entry.name.contains("_Packages")) {
        return Ok(true);
    }
    for source in ["/etc/apt/sources.list", "/etc/apt/sources.list.d"] {
        if host.metadata(Path::new(source))?.is_some_and(|source| source.modified > fetched.modified) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What came of a request.
pub(super) struct Done {
    /// `{name: {old, new}}`.
    pub changes: Map,
    /// Of packages of which only configuration is left: what came and went.
    pub removed_changes: Map,
    /// Why it failed.
    pub error: Option<Said>,
}

/// Why a request cannot be carried out.
pub(super) enum Refusal {
    /// These packages do not exist.
    Unknown(Vec<String>),
    /// Anything else, in the package manager's words.
    Other(Said),
}

/// Asks what would come of a request.
pub(super) fn simulate(
    host: &dyn Host,
    provider: &dyn Provider,
    request: &Request,
) -> Result<Result<Simulation, Refusal>, HostError> {
    let output = host.probe(&provider.simulate(request))?;
    if output.succeeded() {
        return Ok(Ok(provider.parse_simulation(&output.stdout_text())));
    }
    let unknown = provider.unknown_names(&output);
    Ok(Err(if unknown.is_empty() {
        Refusal::Other(provider.explain(&output))
    } else {
        Refusal::Unknown(unknown)
    }))
}

/// Carries a request out, as its simulation foretold.
pub(super) fn perform(
    host: &dyn Host,
    provider: &dyn Provider,
    request: &Request,
    simulation: &Simulation,
) -> Result<Done, Failure> {
    let inventory = Inventory::of(host)?;
    let effects = effects(host, &inventory, request, simulation)?;
    act(host, provider, &inventory, &Action::new(provider.perform(request), effects))
}

/// Carries an action on packages out and compares before and after.
pub(super) fn act(
    host: &dyn Host,
    provider: &dyn Provider,
    before: &Inventory,
    action: &Action,
) -> Result<Done, Failure> {
    let error = match host.act(action)? {
        Outcome::Ran(output) if !output.succeeded() => Some(provider.explain(&output)),
        _ => None,
    };
    let after = Inventory::of(host)?;
    Ok(Done {
        changes: difference(&before.list(false), &after.list(false)),
        removed_changes: difference(&before.list(true), &after.list(true)),
        error,
    })
}

/// What the simulation foretells, less what an earlier step of a plan has already declared.
fn effects(
    host: &dyn Host,
    inventory: &Inventory,
    request: &Request,
    simulation: &Simulation,
) -> Result<Vec<Effect>, HostError> {
    let mut effects = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, purge) in &simulation.removes {
        if inventory.package(name)?.is_some() && seen.insert(inventory.normalized(name)) {
            effects.push(inventory.removes(host, name, *purge)?);
        }
    }
    for (name, version) in &simulation.installs {
        let there = inventory.version(name)?.as_deref() == Some(version);
        if (!there || request.options.reinstall) && seen.insert(inventory.normalized(name)) {
            effects.push(inventory.installs(name, version)?);
        }
    }
    for (name, version) in &request.packages {
        let name = inventory.normalized(name);
        if seen.contains(&name) {
            continue;
        }
        // What an earlier step of the plan has changed, the simulation does not know of.
        match request.deed {
            Deed::Install => {
                if let Some(version) = version
                    && inventory.version(&name)?.as_ref() != Some(version)
                {
                    effects.push(inventory.installs(&name, version)?);
                }
            }
            Deed::Remove | Deed::Purge if inventory.package(&name)?.is_some() => {
                effects.push(inventory.removes(host, &name, request.deed == Deed::Purge)?);
            }
            _ => {}
        }
    }
    Ok(effects)
}
