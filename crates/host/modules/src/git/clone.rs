//! A checkout where there is none.

use std::path::Path;

use host::{Attributes, Effect, Fact, FileKind, Owner, Subject};

use value::Map;

use super::latest::{Task, failed_after, sentences};
use super::local::{self, Local};
use super::program::{Git, Refusal, revisions};
use super::remote::{Kind, Upstream};
use crate::{Context, Failure, Outcome};

/// Makes the checkout.
pub(super) fn clone(task: &Task<'_>) -> Result<Outcome, Failure> {
    let (git, arguments) = (&task.git, task.arguments);
    let (context, target) = (git.context, arguments.target.as_str());
    let change = format!("{} => {target}", arguments.name);
    let mut outcome = Outcome::unchanged("");
    let there = directory(context, target)?;
    match there {
        Some(entries) if !entries.is_empty() && !arguments.force_clone => {
            return Ok(Outcome::failed(format!(
                "Target '{target}' exists, is non-empty and is not a git repository. Set the 'force_clone' \
                 option to True to remove this directory's contents and proceed with cloning the remote repository"
            ))
            .hint("choose an empty target, or add `- force_clone: True`: what is in it is lost then")
            .blames("target"));
        }
        Some(entries) if arguments.force_clone => {
            empty(context, target, &entries)?;
            outcome = outcome.with("forced clone", true);
        }
        Some(_) => {}
        None => {}
    }
    let made = there_is_none_and_is_made(task)?;
    let forced = outcome.changes.contains("forced clone");
    let planned = if forced {
        format!(
            "Target directory {target} exists. Since force_clone=True, the contents of {target} would be deleted, \
             and {} would be cloned into this directory.",
            arguments.name
        )
    } else {
        format!("Repository {} would be cloned to {target}", arguments.name)
    };
    let mut comments = Vec::new();
    if let Err(refusal) = download(task, &mut comments) {
        let Refusal::Said(words) = refusal else { return Err(refusal.into()) };
        if made {
            context.host().remove_directory(Path::new(target))?;
        }
        return Ok(failed_after(format!("Clone failed: {words}"), &comments));
    }
    outcome = outcome.with("new", change);
    match arrange(task, &mut comments) {
        Ok(Some(new)) => outcome = outcome.with("revision", revisions(None, Some(&new))),
        Ok(None) => {}
        Err(Refusal::Said(words)) => return Ok(failed_after(words, &comments)),
        Err(refusal) => return Err(refusal.into()),
    }
    if context.host().is_plan() {
        outcome.comment = planned;
    } else {
        outcome.comment = sentences(&comments);
    }
    Ok(outcome)
}

/// Makes the directory where its parent is there: the checkout's user need not be able to write to that.
fn there_is_none_and_is_made(task: &Task<'_>) -> Result<bool, Failure> {
    let (host, target) = (task.git.context.host(), Path::new(&task.arguments.target));
    let parent = target.parent().unwrap_or(Path::new("/"));
    if host.metadata(target)?.is_some() || host.metadata(parent)?.is_none() {
        return Ok(false);
    }
    let user = task.git.user().map(|name| Owner::Name(name.to_string()));
    host.create_directory(target, &Attributes { user, ..Attributes::default() })?;
    Ok(true)
}

/// The names in a directory; `None` when nothing is there.
fn directory(context: &Context<'_>, target: &str) -> Result<Option<Vec<(String, FileKind)>>, Failure> {
    let path = Path::new(target);
    if context.host().metadata(path)?.is_none() {
        return Ok(None);
    }
    let entries = context.host().list(path)?;
    Ok(Some(entries.into_iter().map(|entry| (entry.name, entry.kind)).collect()))
}

fn empty(context: &Context<'_>, target: &str, entries: &[(String, FileKind)]) -> Result<(), Failure> {
    for (name, kind) in entries {
        let path = Path::new(target).join(name);
        match kind {
            FileKind::Directory => context.host().remove_directory(&path)?,
            _ => context.host().remove_file(&path)?,
        }
    }
    Ok(())
}

fn download(task: &Task<'_>, comments: &mut Vec<String>) -> Result<(), Refusal> {
    let (git, arguments) = (&task.git, task.arguments);
    let target = arguments.target.as_str();
    let depth = arguments.depth.map(|depth| depth.to_string());
    let mut command = vec!["clone"];
    match (arguments.mirror, task.bare) {
        (true, _) => command.push("--mirror"),
        (false, true) => command.push("--bare"),
        (false, false) => {}
    }
    if arguments.remote != "origin" {
        command.extend(["--origin", &arguments.remote]);
    }
    if let Some(depth) = &depth {
        command.extend(["--depth", depth, "--branch", &arguments.rev]);
    }
    let at = git.real(target);
    command.extend(["--", &task.url, &at]);
    let context = git.context;
    // What will be in it cannot be known before the run.
    let directory: Map = [("kind", "directory")].into_iter().collect();
    let touched = Effect {
        subject: Subject::new("path", target),
        before: Fact::Absent,
        after: Fact::Present(directory.into()),
    };
    git.act(&command, vec![touched, local::effect(context, target, None, &after(task))])?;
    let how = match (arguments.mirror, task.bare) {
        (true, _) => " as mirror",
        (false, true) => " as bare repository",
        (false, false) => "",
    };
    comments.push(format!("{} cloned to {target}{how}", arguments.name));
    Ok(())
}

/// How the checkout will stand.
fn after(task: &Task<'_>) -> Local {
    let upstream = match task.wanted.as_ref().map(|wanted| &wanted.upstream) {
        Some(Upstream::Branch(name)) => Some(name.clone()),
        Some(Upstream::Any) => {
            task.remote.default_branch().map(|branch| format!("{}/{branch}", task.arguments.remote))
        }
        _ => None,
    };
    Local {
        revision: task.wanted.as_ref().map(|wanted| wanted.commit.clone()),
        branch: task.arguments.branch.clone().or_else(|| first_branch(task)),
        url: Some(task.url.clone()),
        upstream,
        ..Local::default()
    }
}

/// The branch that a clone is on at first.
fn first_branch(task: &Task<'_>) -> Option<String> {
    match (&task.wanted, task.arguments.depth) {
        (Some(wanted), Some(_)) if wanted.kind == Kind::Branch => Some(task.arguments.rev.clone()),
        _ => task.remote.default_branch().map(String::from),
    }
}

/// Brings the fresh clone to the branch and revision that are wanted. Which steps that takes follows from what
/// the remote repository has, so a plan lists them too.
fn arrange(task: &Task<'_>, comments: &mut Vec<String>) -> Result<Option<String>, Refusal> {
    let (git, arguments) = (&task.git, task.arguments);
    let (target, rev) = (arguments.target.as_str(), arguments.rev.as_str());
    let Some(wanted) = &task.wanted else { return Ok(None) };
    let first = first_branch(task);
    let described = wanted.described(rev);
    let start = match (&wanted.upstream, rev) {
        (_, "HEAD") => wanted.commit.as_str(),
        (Upstream::Branch(name), _) => name.as_str(),
        _ => rev,
    };
    let mut at = first.as_deref().and_then(|branch| task.remote.get(&format!("refs/heads/{branch}")));
    if arguments.depth.is_some() {
        at = Some(&wanted.commit);
    }
    let mut on = first.clone();
    if let Some(branch) = &arguments.branch
        && first.as_ref() != Some(branch)
    {
        git.act_in(target, &["checkout", "-b", branch, start], Git::touches(target))?;
        comments.push(format!("Branch '{branch}' checked out, with {described} as a starting point"));
        at = Some(&wanted.commit);
        on = Some(branch.clone());
    }
    if on.is_none() {
        return Err(Refusal::Said(
            "Remote HEAD refers to a ref that does not exist. This can happen when the default branch on the \
             remote repository is renamed or deleted. If you are unable to fix the remote repository, you can \
             work around this by setting the 'branch' argument (which will ensure that the named branch is \
             created if it does not already exist)."
                .into(),
        ));
    }
    if !wanted.is(at) {
        git.act_in(target, &["reset", "--hard", &wanted.commit], Git::touches(target))?;
        comments.push(format!("Repository was reset to {described}"));
    }
    // A branch made from a remote branch follows it; so does the first one.
    let follows = match (&arguments.branch, &first) {
        (Some(branch), first) if first.as_ref() != Some(branch) => match &wanted.upstream {
            Upstream::Branch(name) => Some(name.clone()),
            _ => None,
        },
        (_, Some(first)) => Some(format!("{}/{first}", arguments.remote)),
        (_, None) => None,
    };
    follow(task, follows.as_deref(), comments)?;
    if arguments.submodules {
        git.act_in(target, &["submodule", "update", "--init", "--recursive"], Git::touches(target))
            .map_err(|refusal| explained(refusal, "Failed to update submodules: "))?;
    }
    verify(task)
}

/// Sets, changes or removes what the branch follows.
pub(super) fn follow(
    task: &Task<'_>,
    follows: Option<&str>,
    comments: &mut Vec<String>,
) -> Result<(), Refusal> {
    let Some(wanted) = &task.wanted else { return Ok(()) };
    let target = task.arguments.target.as_str();
    match (&wanted.upstream, follows) {
        (Upstream::Branch(name), follows) if follows != Some(name) => {
            task.git.act_in(target, &["branch", "--set-upstream-to", name], Git::touches(target))?;
            let verb = if follows.is_some() { "updated" } else { "set" };
            comments.push(format!("Tracking branch was {verb} to {name}"));
        }
        (Upstream::Nothing, Some(_)) => {
            task.git.act_in(target, &["branch", "--unset-upstream"], Git::touches(target))?;
            comments.push("Tracking branch was unset".into());
        }
        _ => {}
    }
    Ok(())
}

/// After a run: whether the checkout is where it should be, and where that is. A plan takes it as done.
pub(super) fn verify(task: &Task<'_>) -> Result<Option<String>, Refusal> {
    let context = task.git.context;
    let Some(wanted) = &task.wanted else { return Ok(None) };
    let target = task.arguments.target.as_str();
    if context.host().is_plan() || context.host().fact(&Subject::new("git", target)).is_some() {
        return Ok(Some(wanted.commit.clone()));
    }
    match task.git.look_in(target, &["rev-parse", "HEAD"]) {
        Ok(revision) if wanted.is(Some(&revision)) => Ok(Some(revision)),
        Ok(_) | Err(Refusal::Said(_)) => Err(Refusal::Said("Failed to update repository".into())),
        Err(refusal) => Err(refusal),
    }
}

/// A refusal with words in front.
pub(super) fn explained(refusal: Refusal, before: &str) -> Refusal {
    match refusal {
        Refusal::Said(words) => Refusal::Said(format!("{before}{words}")),
        Refusal::Host(error) => Refusal::Host(error),
    }
}
