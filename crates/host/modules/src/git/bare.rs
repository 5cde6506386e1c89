//! Repositories without a checkout.

use super::latest::{Task, failed_after};
use super::local::{self, Local};
use super::program::{Refusal, revisions};
use super::update::{point_remote, up_to_date};
use crate::{Failure, Outcome};

/// Fetches into a bare repository.
pub(super) fn fetch(task: &Task<'_>, local: &Local) -> Result<Outcome, Failure> {
    let target = task.arguments.target.as_str();
    if local.told || same_refs(task, target)? {
        return Ok(up_to_date(task, false, &[]));
    }
    let mut comments = Vec::new();
    let mut outcome = Outcome::unchanged("");
    let result = point_remote(task, local, &mut comments, &mut outcome).and_then(|()| {
        let remote = task.arguments.remote.as_str();
        let force: &[&str] = if task.arguments.force_fetch { &["--force"] } else { &[] };
        let command = [&["fetch", "--prune"], force, &[remote, "+refs/*:refs/*"]].concat();
        let known = local::effect(
            task.git.context,
            target,
            Some(local),
            &Local { url: Some(task.url.clone()), ..Local::default() },
        );
        task.git.act_in(target, &command, vec![known])
    });
    match result {
        Ok(_) => {}
        Err(Refusal::Said(words)) => return Ok(failed_after(format!("Fetch failed: {words}"), &comments)),
        Err(refusal) => return Err(refusal.into()),
    }
    outcome.comment = task.git.context.words(
        format!("Bare repository at {target} was fetched, resulting in updated refs"),
        format!("Bare repository at {target} would be fetched"),
    );
    let head = |refs: Option<&str>| refs.map(String::from);
    let new = head(task.remote.get("HEAD"));
    Ok(outcome.with("revision", revisions(local.revision.as_deref(), new.as_deref())))
}

/// Whether a bare repository has what the remote has, branch by branch and tag by tag.
fn same_refs(task: &Task<'_>, target: &str) -> Result<bool, Failure> {
    let format = "--format=%(objectname) %(refname)";
    let here =
        task.git.ask(target, &["for-each-ref", format, "refs/heads", "refs/tags"])?.unwrap_or_default();
    let mut here: Vec<(&str, &str)> =
        here.lines().filter_map(|line| line.split_once(' ')).map(|(commit, name)| (name, commit)).collect();
    let mut there: Vec<(&str, &str)> = task
        .remote
        .refs()
        .iter()
        .map(|(name, commit)| (name.as_str(), commit.as_str()))
        .filter(|(name, _)| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))
        .filter(|(name, _)| !name.ends_with("^{}"))
        .collect();
    here.sort_unstable();
    there.sort_unstable();
    Ok(here == there)
}
