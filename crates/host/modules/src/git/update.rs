//! A checkout that is there already.

use target::Pattern;

use super::clone::{explained, follow, verify};
use super::latest::{ForceReset, Task, failed_after, sentences};
use super::local::{self, Local};
use super::program::{Done, Git, Refusal, redacted, revisions};
use super::remote::{Kind, Upstream, Wanted, short};
use crate::{Failure, Outcome};

/// What was found out before anything is done.
struct Look<'a> {
    wanted: &'a Wanted,
    /// Where the branch that will be worked on stands.
    base: Option<String>,
    /// What that branch follows.
    follows: Option<String>,
    /// Whether the checkout is at the wanted commit.
    matches: bool,
    /// Whether the wanted commit has been fetched before.
    has_commit: bool,
    /// Whether the wanted commit lies ahead; none when only the fetch will tell.
    forward: Option<bool>,
    /// Whether another branch has to be checked out.
    other_branch: Option<&'a str>,
    new_tags: Vec<String>,
    gone_tags: Vec<String>,
}

/// Brings a checkout to the wanted revision.
pub(super) fn update(task: &Task<'_>, local: &Local) -> Result<Outcome, Failure> {
    let Some(wanted) = &task.wanted else {
        return Ok(match &local.revision {
            Some(_) => Outcome::failed(
                "Remote repository is empty, cannot update from a non-empty to an empty repository",
            )
            .hint("push something to it first, or correct `name`")
            .blames("name"),
            None => up_to_date(task, false, &[]),
        });
    };
    if wanted.is(local.revision.as_deref()) && local.changes && task.force_reset != ForceReset::Always {
        return Ok(up_to_date(task, true, &[]));
    }
    let look = look(task, local, wanted)?;
    if let Some(refused) = refused(task, local, &look) {
        return Ok(refused);
    }
    let mut comments = Vec::new();
    let mut outcome = Outcome::unchanged("");
    let new = match carry_out(task, local, &look, &mut comments, &mut outcome) {
        Ok(new) => new,
        Err(Refusal::Said(words)) => return Ok(failed_after(words, &comments)),
        Err(refusal) => return Err(refusal.into()),
    };
    let planning = task.git.context.host().is_plan();
    if new.is_some() && new != local.revision {
        outcome = outcome.with("revision", revisions(local.revision.as_deref(), new.as_deref()));
    }
    if outcome.changes.is_empty() {
        return Ok(up_to_date(task, false, &comments));
    }
    outcome.comment = if planning { sentences(&planned(task, local, &look)) } else { sentences(&comments) };
    Ok(outcome)
}

fn look<'a>(task: &'a Task<'_>, local: &Local, wanted: &'a Wanted) -> Result<Look<'a>, Failure> {
    let (git, arguments) = (&task.git, task.arguments);
    let (target, commit) = (arguments.target.as_str(), wanted.commit.as_str());
    let other_branch = arguments.branch.as_deref().filter(|branch| local.branch.as_deref() != Some(*branch));
    let base = match other_branch {
        None => local.revision.clone(),
        Some(branch) if !local.branches.iter().any(|known| known == branch) => Some(commit.to_string()),
        Some(branch) => match git.ask(target, &["rev-parse", &format!("{branch}^{{commit}}")])? {
            Some(base) => Some(base),
            None => {
                return Err(Failure::message(format!("Unable to get position of local branch '{branch}'"))
                    .hint(format!(
                        "look at it by hand: git -C {target} log {branch}; or choose another `branch`"
                    ))
                    .blames("branch"));
            }
        },
    };
    let matches = wanted.is(local.revision.as_deref());
    let follows = match other_branch.or(local.branch.as_deref()) {
        Some(branch) => local::upstream(git, target, local, branch)?,
        None => None,
    };
    let mut has_commit = wanted.kind == Kind::Commit && wanted.is(base.as_deref());
    if !has_commit && !local.told {
        has_commit = git.ask(target, &["cat-file", "-e", &format!("{commit}^{{commit}}")])?.is_some();
        match (&wanted.upstream, wanted.kind) {
            (Upstream::Branch(name), _) => {
                has_commit &= git.ask(target, &["rev-parse", name])?.is_some_and(|there| there == commit);
            }
            (_, Kind::Tag) => {
                let rev = &arguments.rev;
                let here = git.ask(target, &["rev-parse", &format!("refs/tags/{rev}^{{commit}}")])?;
                if let Some(here) = here.filter(|here| here != commit)
                    && task.force_reset == ForceReset::Never
                {
                    return Err(Failure::message(format!(
                        "'{rev}' is a tag, but the remote SHA1 for this tag ({}) doesn't match the local SHA1 ({}). \
                         Set 'force_reset' to True to force this update.",
                        short(commit),
                        short(&here)
                    ))
                    .hint("add `- force_reset: True` to take the remote's, or name another tag")
                    .blames("rev"));
                }
            }
            _ => {}
        }
    }
    has_commit |= local.told && matches;
    let forward = if local.changes && task.force_reset != ForceReset::RemoteChanges {
        Some(false)
    } else if matches && other_branch.is_none() || base.is_none() {
        Some(true)
    } else if has_commit && let Some(base) = &base {
        Some(git.ask(target, &["merge-base", "--is-ancestor", base, commit])?.is_some())
    } else {
        None
    };
    let (new_tags, gone_tags) = tags(task, local);
    Ok(Look { wanted, base, follows, matches, has_commit, forward, other_branch, new_tags, gone_tags })
}

/// The remote's tags that are not here, and the tags here that the remote does not have.
fn tags(task: &Task<'_>, local: &Local) -> (Vec<String>, Vec<String>) {
    let Some(here) = local.tags.as_ref().filter(|_| task.arguments.fetch_tags) else {
        return Default::default();
    };
    let fetched = |tag: &&&str| Pattern::fits(&task.arguments.refspec_tag, tag);
    let there: Vec<&str> = task.remote.tags().collect();
    let new = there.iter().filter(fetched).filter(|tag| !here.iter().any(|known| known == *tag));
    let gone = here.iter().filter(|tag| task.arguments.sync_tags && !there.contains(&tag.as_str()));
    (new.map(ToString::to_string).collect(), gone.cloned().collect())
}

/// The refusal to throw away what exists only here.
fn refused(task: &Task<'_>, local: &Local, look: &Look<'_>) -> Option<Outcome> {
    if !look.matches && !task.arguments.update_head && look.other_branch.is_none() {
        if !look.has_commit {
            return None;
        }
        return Some(Outcome::unchanged(head_stays(task, local, look)));
    }
    if look.other_branch.is_some() && local.changes && !task.arguments.force_checkout {
        return Some(Outcome::failed(format!(
            "Local branch '{}' has uncommitted changes. Set 'force_checkout' to True to discard them and proceed.",
            local.branch.as_deref().unwrap_or_default()
        ))
        .hint("commit them, or add `- force_checkout: True`: they are lost then")
        .blames("branch"));
    }
    (look.forward == Some(false) && task.force_reset == ForceReset::Never)
        .then(|| {
            Outcome::failed(not_forward(task, local, look))
                .hint("add `- force_reset: remote-changes` to follow the remote and keep uncommitted work, or True to lose it")
                .blames("rev")
        })
}

fn head_stays(task: &Task<'_>, local: &Local, look: &Look<'_>) -> String {
    let place = look.wanted.described(&task.arguments.rev);
    let place = if task.arguments.rev == "HEAD" {
        place.replacen('r', "R", 1).replace("HEAD", "head")
    } else {
        place
    };
    format!(
        "{place} is already present and local HEAD ({}) does not match, but update_head=False. HEAD has not been \
         updated locally.",
        short(local.revision.as_deref().unwrap_or_default())
    )
}

fn not_forward(task: &Task<'_>, local: &Local, look: &Look<'_>) -> String {
    let arguments = task.arguments;
    let on = local.branch.as_deref().unwrap_or("None");
    let hint = match (&arguments.branch, arguments.rev.as_str(), task.remote.default_branch()) {
        (None, "HEAD", Some(default)) if on != default => format!(
            " The default remote branch ({default}) differs from the local branch ({on}). This could be caused by \
             changing the default remote branch, or if the local branch was manually changed. Rather than forcing \
             an update, it may be advisable to set the 'branch' argument to '{default}' instead. To ensure that \
             this state follows the '{default}' branch instead of the remote HEAD, set the 'rev' argument to \
             '{default}'."
        ),
        (None, rev, _) if rev != "HEAD" && on != rev => format!(
            " The desired rev ({rev}) differs from the name of the local branch ({on}), if the desired rev is a \
             branch name then a forced update could possibly be avoided by setting the 'branch' argument to \
             '{rev}' instead."
        ),
        _ => String::new(),
    };
    let after = short(&look.wanted.commit);
    let before = short(look.base.as_deref().unwrap_or_default());
    let way = if local.changes && before != after {
        format!("from {before} to {after}")
    } else {
        format!("to {after}")
    };
    let branch = look.other_branch;
    let branch =
        branch.map(|branch| format!(" (after checking out local branch '{branch}')")).unwrap_or_default();
    let (why, or, discard) = if local.changes {
        ("there are uncommitted changes", " (or 'remote-changes')", " and discard these changes")
    } else {
        ("this is not a fast-forward merge", "", "")
    };
    format!(
        "Repository would be updated {way}{branch}, but {why}. Set 'force_reset' to True{or} to force this \
         update{discard}.{hint}"
    )
}

/// What a plan says, in Salt's words.
fn planned(task: &Task<'_>, local: &Local, look: &Look<'_>) -> Vec<String> {
    let arguments = task.arguments;
    let mut actions = Vec::new();
    if local.url.as_deref() != Some(task.url.as_str()) {
        let old = local.url.as_deref().map_or("None".into(), redacted);
        actions.push(format!(
            "Remote '{}' would be changed from {old} to {}",
            arguments.remote,
            redacted(&arguments.name)
        ));
    }
    if !look.has_commit || !look.new_tags.is_empty() {
        actions.push(format!("Remote '{}' would be fetched", arguments.remote));
    }
    if !look.gone_tags.is_empty() {
        actions.push(format!(
            "The following tags would be removed from the local checkout: {}",
            look.gone_tags.join(", ")
        ));
    }
    let (from, to) = (short(local.revision.as_deref().unwrap_or("None")), short(&look.wanted.commit));
    let manner = match look.forward {
        Some(true) => "fast-forwarded",
        Some(false) => "hard-reset",
        None => "updated",
    };
    match look.other_branch {
        Some(branch) if local.branches.iter().any(|known| known == branch) => {
            actions.push(format!("Branch '{branch}' would be checked out and {manner} to {to}"));
        }
        Some(branch) => actions.push(format!(
            "New branch '{branch}' would be checked out, with {} as a starting point",
            look.wanted.described(&arguments.rev)
        )),
        None if !look.matches || look.forward == Some(false) => {
            actions.push(format!("Repository would be {manner} from {from} to {to}"));
        }
        None => {}
    }
    match (&look.wanted.upstream, &look.follows) {
        (Upstream::Branch(name), None) => actions.push(format!("Tracking branch would be set to {name}")),
        (Upstream::Branch(name), Some(follows)) if name != follows => {
            actions.push(format!("Tracking branch would be updated to {name}"));
        }
        (Upstream::Nothing, Some(_)) => actions.push("Tracking branch would be unset".into()),
        _ => {}
    }
    actions
}

/// Does it, step by step. Answers the revision that the checkout is at in the end.
fn carry_out(
    task: &Task<'_>,
    local: &Local,
    look: &Look<'_>,
    comments: &mut Vec<String>,
    outcome: &mut Outcome,
) -> Result<Option<String>, Refusal> {
    let arguments = task.arguments;
    point_remote(task, local, comments, outcome)?;
    for tag in &look.gone_tags {
        task.git.act_in(&arguments.target, &["tag", "-d", tag], Git::touches(&arguments.target))?;
    }
    if !look.gone_tags.is_empty() {
        let gone = look.gone_tags.join(", ");
        comments.push(format!("The following tags were removed from the local checkout: {gone}"));
        outcome.changes.insert("deleted_tags", look.gone_tags.clone());
    }
    if !look.new_tags.is_empty() {
        outcome.changes.insert("new_tags", look.new_tags.clone());
    }
    let fetches = !look.has_commit || !look.new_tags.is_empty();
    let fetched = if fetches { Some(fetch(task, comments)?) } else { None };
    if look.other_branch.is_none() && !look.matches && !arguments.update_head {
        return Ok(local.revision.clone());
    }
    let mut forward = look.forward;
    if let (None, Some(Done::Ran(_)), Some(base)) = (forward, &fetched, &look.base) {
        let ahead = ["merge-base", "--is-ancestor", base, &look.wanted.commit];
        forward = Some(task.git.look_in(&arguments.target, &ahead).is_ok());
        if forward == Some(false) && task.force_reset == ForceReset::Never {
            return Err(Refusal::Said(not_forward(task, local, look)));
        }
    }
    change_branch(task, local, look, comments)?;
    move_head(task, local, look, forward, comments, outcome)?;
    follow(task, look.follows.as_deref(), comments)?;
    if arguments.submodules && (!look.matches || look.other_branch.is_some()) {
        task.git
            .act_in(
                &arguments.target,
                &["submodule", "update", "--init", "--recursive"],
                Git::touches(&arguments.target),
            )
            .map_err(|refusal| explained(refusal, "Failed to update submodules: "))?;
    }
    verify(task)
}

pub(super) fn point_remote(
    task: &Task<'_>,
    local: &Local,
    comments: &mut Vec<String>,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    let (remote, name) = (task.arguments.remote.as_str(), &task.arguments.name);
    let target = task.arguments.target.as_str();
    match &local.url {
        Some(url) if *url == task.url => return Ok(()),
        Some(url) => {
            task.git.act_in(target, &["remote", "set-url", remote, &task.url], Git::touches(target))?;
            comments.push(format!("Remote '{remote}' changed from {} to {}", redacted(url), redacted(name)));
        }
        None => {
            task.git.act_in(target, &["remote", "add", remote, &task.url], Git::touches(target))?;
            comments.push(format!("Remote '{remote}' set to {}", redacted(name)));
        }
    }
    outcome.changes.insert("new", format!("{} => {remote}", redacted(name)));
    Ok(())
}

fn fetch(task: &Task<'_>, comments: &mut Vec<String>) -> Result<Done, Refusal> {
    let arguments = task.arguments;
    let (remote, branch, tag) = (&arguments.remote, &arguments.refspec_branch, &arguments.refspec_tag);
    let branches = format!("refs/heads/{branch}:refs/remotes/{remote}/{branch}");
    let tags = format!("+refs/tags/{tag}:refs/tags/{tag}");
    let mut command = vec!["fetch"];
    if arguments.force_fetch {
        command.push("--force");
    }
    command.push(remote);
    if arguments.fetch_tags {
        command.extend([branches.as_str(), tags.as_str()]);
    }
    let done = task.git.act_in(&arguments.target, &command, Git::touches(&arguments.target)).map_err(|refusal| {
        let before = "Fetch failed. Set 'force_fetch' to True to force the fetch if the failure was due to not being \
                      able to fast-forward. Output of the fetch command follows:\n\n";
        explained(refusal, before)
    })?;
    if let Done::Ran(words) = &done {
        if words.contains("->") {
            comments.push(format!("{} was fetched, resulting in updated refs", redacted(&arguments.name)));
        }
        if let Some(wanted) = &task.wanted {
            let commit = format!("{}^{{commit}}", wanted.commit);
            task.git.look_in(&arguments.target, &["cat-file", "-e", &commit]).map_err(|refusal| {
                let name = redacted(&arguments.name);
                let rev = &arguments.rev;
                let before = format!("Fetch did not successfully retrieve rev '{rev}' from {name}: ");
                explained(refusal, &before)
            })?;
        }
    }
    Ok(done)
}

fn change_branch(
    task: &Task<'_>,
    local: &Local,
    look: &Look<'_>,
    comments: &mut Vec<String>,
) -> Result<(), Refusal> {
    let Some(branch) = look.other_branch else { return Ok(()) };
    let arguments = task.arguments;
    let known = local.branches.iter().any(|known| known == branch);
    let mut command = vec!["checkout"];
    if arguments.force_checkout {
        command.push("--force");
    }
    if known {
        command.push(branch);
    } else {
        command.extend(["-b", branch]);
        command.push(match (&look.wanted.upstream, arguments.rev.as_str()) {
            (_, "HEAD") => look.wanted.commit.as_str(),
            (Upstream::Branch(name), _) => name.as_str(),
            (_, rev) => rev,
        });
    }
    task.git.act_in(&arguments.target, &command, vec![effect(task, local, look)])?;
    comments.push(if known {
        format!("'{branch}' was checked out")
    } else {
        let start = look.wanted.described(&arguments.rev);
        format!("New branch '{branch}' was checked out, with {start} as a starting point")
    });
    Ok(())
}

fn move_head(
    task: &Task<'_>,
    local: &Local,
    look: &Look<'_>,
    forward: Option<bool>,
    comments: &mut Vec<String>,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    let (arguments, wanted) = (task.arguments, look.wanted);
    let (target, place) = (arguments.target.as_str(), wanted.described(&arguments.rev));
    let stands = wanted.is(look.base.as_deref());
    let effects = || vec![effect(task, local, look)];
    if forward == Some(false) {
        task.git.act_in(target, &["reset", "--hard", &wanted.commit], effects())?;
        outcome.changes.insert("forced update", true);
        if local.changes {
            comments.push("Uncommitted changes were discarded".into());
        }
        comments.push(format!("Repository was hard-reset to {place}"));
        return Ok(());
    }
    if local.changes && task.force_reset != ForceReset::Never {
        task.git.act_in(target, &["reset", "--hard"], Git::touches(&arguments.target))?;
        comments.push("Uncommitted changes were discarded".into());
    }
    if stands {
        return Ok(());
    }
    let follows_branch = arguments.rev == "HEAD" || matches!(wanted.upstream, Upstream::Branch(_));
    if follows_branch && local.branch.as_deref() == Some("HEAD") && look.other_branch.is_none() {
        return Err(Refusal::Said("Unable to fast-forward, HEAD is detached".into()));
    }
    if follows_branch {
        task.git.act_in(target, &["merge", "--ff-only", &wanted.commit], effects())?;
        comments.push(format!("Repository was fast-forwarded to {place}"));
    } else {
        task.git.act_in(target, &["reset", "--hard", &wanted.commit], effects())?;
        comments.push(format!("Repository was reset to {} (fast-forward)", arguments.rev));
    }
    Ok(())
}

fn effect(task: &Task<'_>, local: &Local, look: &Look<'_>) -> host::Effect {
    let follows = match &look.wanted.upstream {
        Upstream::Branch(name) => Some(name.clone()),
        Upstream::Any => look.follows.clone(),
        Upstream::Nothing => None,
    };
    let after = Local {
        revision: Some(look.wanted.commit.clone()),
        branch: look.other_branch.map(String::from).or_else(|| local.branch.clone()),
        url: Some(task.url.clone()),
        upstream: follows,
        ..Local::default()
    };
    let before = Local { upstream: look.follows.clone(), ..local.clone() };
    local::effect(task.git.context, &task.arguments.target, Some(&before), &after)
}

pub(super) fn up_to_date(task: &Task<'_>, local_changes: bool, comments: &[String]) -> Outcome {
    let mut comment = format!("Repository {} is up-to-date", task.arguments.target);
    if local_changes {
        comment.push_str(
            ", but with uncommitted changes. Set 'force_reset' to True to purge uncommitted changes.",
        );
    }
    if !comments.is_empty() {
        let would = if task.git.context.host().is_plan() { "that would be " } else { "" };
        comment.push_str(&format!("\n\nChanges {would}made: {}", sentences(comments)));
    }
    Outcome::unchanged(comment)
}
