//! `git.latest`: a checkout at the latest revision of a branch, a tag, a commit.

use std::path::Path;

use host::FileKind;
use value::Value;

use super::program::{Git, Refusal, advice};
use super::remote::{Remote, Upstream, Wanted};
use super::{bare, clone, local, update};
use crate::{Context, Failure, Outcome};

arguments! {
    /// Keeps a checkout at the latest revision of a repository.
    pub(super) struct Latest {
        /// The repository: a URL, a path, or `salt://path` for a bundle in the state tree.
        name or source: String,
        /// Where the checkout goes, an absolute path.
        target: String,
        /// What to check out: a branch, a tag or a commit of the repository.
        rev: String = "HEAD",
        /// The local branch to be on; it is made where it is missing.
        branch: Option<String>,
        /// As whom git runs, and whose the checkout is; the checkout's owner by default.
        user or runas: Option<String>,
        /// Accepted; there are no passwords to give on Linux.
        password: Option<String>,
        /// Move the checkout when the repository has moved; otherwise only fetch.
        update_head: bool = true,
        /// Throw uncommitted changes away to change branches.
        force_checkout: bool = false,
        /// Empty a directory that is there and no checkout.
        force_clone or force: bool = false,
        /// Let references move in any way when fetching.
        force_fetch: bool = false,
        /// Throw local commits and changes away: `True`, or `remote-changes` to do so only when the repository
        /// has moved.
        force_reset: Option<Value>,
        /// Check submodules out too.
        submodules: bool = false,
        /// Without files: a repository to serve from.
        bare: bool = false,
        /// A bare repository with everything the remote has.
        mirror: bool = false,
        /// The name of the remote.
        remote: String = "origin",
        /// Fetch tags.
        fetch_tags: bool = true,
        /// Remove tags that the repository does not have any more.
        sync_tags: bool = true,
        /// Fetch only so many commits.
        depth: Option<i64>,
        /// SSH keys: one path or several.
        identity: Vec<String> = Vec::new(),
        /// The user name for HTTPS.
        https_user: Option<String>,
        /// The password for HTTPS.
        https_pass: Option<String>,
        /// Which branches to fetch.
        refspec_branch: String = "*",
        /// Which tags to fetch.
        refspec_tag: String = "*",
        /// Accepted.
        output_encoding: Option<String>,
        /// Accepted; every run looks.
        always_fetch: Option<bool>
    }
}

/// When local commits and changes may be thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForceReset {
    Never,
    Always,
    /// Only when the repository has moved.
    RemoteChanges,
}

/// Everything that is decided on.
pub(super) struct Task<'a> {
    pub(super) arguments: &'a Latest,
    pub(super) git: Git<'a>,
    /// The repository as git is told it.
    pub(super) url: String,
    pub(super) remote: Remote,
    /// None for a bare repository and for an empty one.
    pub(super) wanted: Option<Wanted>,
    pub(super) bare: bool,
    pub(super) force_reset: ForceReset,
}

/// See [`Latest`].
pub(super) fn latest(context: &Context<'_>, arguments: Latest) -> Result<Outcome, Failure> {
    let task = prepare(context, &arguments)?;
    let target = arguments.target.as_str();
    match local::look(&task.git, target, &arguments.remote, task.bare)? {
        Some(local) if task.bare => bare::fetch(&task, &local),
        Some(local) => update::update(&task, &local),
        None => clone::clone(&task),
    }
}

/// Checks the arguments and looks at the repository.
fn prepare<'a>(context: &'a Context<'a>, arguments: &'a Latest) -> Result<Task<'a>, Failure> {
    let force_reset = match arguments.force_reset.as_ref() {
        None => ForceReset::Never,
        Some(value) => match (value.as_bool(), value.as_str()) {
            (Some(true), _) => ForceReset::Always,
            (Some(false), _) => ForceReset::Never,
            (_, Some("remote-changes")) => ForceReset::RemoteChanges,
            _ => {
                return Err(Failure::message(
                    "'force_reset' must be one of True, False, or 'remote-changes'",
                )
                .hint("write `- force_reset: remote-changes`, True or False")
                .blames("force_reset"));
            }
        },
    };
    checked(context, arguments)?;
    let Some(url) = source(context, &arguments.name)? else {
        return Err(Failure::message(format!("Repository {} is not in the state tree", arguments.name))
            .hint("put a bundle or a bare repository there, or name a URL")
            .blames("name"));
    };
    let bare = arguments.bare || arguments.mirror;
    let git = Git::new(context, arguments.user.as_deref())
        .owned_like(&arguments.target)
        .with_identity(&arguments.identity)
        .with_password(arguments.https_user.as_deref(), arguments.https_pass.as_deref());
    let remote = match git.look(&["ls-remote", &url]) {
        Ok(listing) => Remote::parse(&listing),
        Err(Refusal::Said(words)) => {
            return Err(Failure::message(format!("Failed to check remote refs: {words}"))
                .hint(advice(&words))
                .blames("name"));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let wanted = if bare { None } else { remote.wanted(&arguments.rev, &arguments.remote) };
    let follows = |wanted: &Wanted| matches!(wanted.upstream, Upstream::Branch(_));
    let tag = |wanted: &Wanted| wanted.kind == super::remote::Kind::Tag;
    if arguments.depth.is_some() && !wanted.as_ref().is_some_and(|wanted| follows(wanted) || tag(wanted)) {
        let why =
            "When 'depth' is used, 'rev' must be set to the name of a branch or tag on the remote repository";
        return Err(Failure::message(why).hint("write `- rev: main`, or leave `depth` out").blames("rev"));
    }
    if wanted.is_none() && !bare && arguments.rev != "HEAD" {
        let why = format!("No revision matching '{}' exists in the remote repository", arguments.rev);
        return Err(Failure::message(why).hint(nearest_revision(&remote, &arguments.rev)).blames("rev"));
    }
    Ok(Task { arguments, git, url, remote, wanted, bare, force_reset })
}

fn nearest_revision(remote: &Remote, rev: &str) -> String {
    let names = remote.refs().iter().map(|(name, _)| name.as_str());
    let names = names.filter_map(|name| name.strip_prefix("refs/heads/").or(name.strip_prefix("refs/tags/")));
    let names: Vec<&str> = names.filter(|name| !name.ends_with("^{}")).collect();
    match report::suggest(rev, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "nothing has been pushed to that repository yet".into(),
        None => {
            let shown = names.get(..names.len().min(8)).unwrap_or_default().join(", ");
            format!("name a branch, a tag or a whole commit id; there are {shown}")
        }
    }
}

fn checked(context: &Context<'_>, arguments: &Latest) -> Result<(), Failure> {
    if arguments.remote.is_empty() {
        return Err(Failure::message("'remote' argument is required")
            .hint("write `- remote: origin`, or leave it out")
            .blames("remote"));
    }
    if !arguments.target.starts_with('/') {
        return Err(Failure::message(format!("target '{}' is not an absolute path", arguments.target))
            .hint(format!("write the whole path: `- target: /…/{}`", arguments.target))
            .blames("target"));
    }
    if let Some(path) = arguments.identity.iter().find(|path| !path.starts_with('/')) {
        return Err(Failure::message(format!("identity '{path}' is not an absolute path"))
            .hint("write the whole path of a private key on the machine: `- identity: /root/.ssh/id_ed25519`")
            .blames("identity"));
    }
    let names = [
        ("rev", Some(&arguments.rev)),
        ("branch", arguments.branch.as_ref()),
        ("remote", Some(&arguments.remote)),
        ("name", Some(&arguments.name)),
    ];
    for (argument, name) in names {
        if let Some(name) = name.filter(|name| name.starts_with('-') || name.is_empty()) {
            return Err(Failure::message(format!(
                "'{name}' is not the name of a repository, branch or revision"
            ))
            .hint("git would take it for an option: a name begins with a letter or digit")
            .blames(argument));
        }
    }
    if arguments.rev != "HEAD" && (arguments.bare || arguments.mirror) {
        return Err(Failure::message("'rev' is not compatible with the 'mirror' and 'bare' arguments")
            .hint("a bare repository has no checkout: leave `rev` out")
            .blames("rev"));
    }
    let found = context.host().metadata(Path::new(&arguments.target)).ok().flatten();
    if found.is_some_and(|found| found.kind == FileKind::File) {
        return Err(Failure::message(format!(
            "Target '{}' exists and is a regular file, cannot proceed",
            arguments.target
        ))
        .hint("take it away first with `file.absent`, or choose another target")
        .blames("target"));
    }
    Ok(())
}

/// The repository as git is told it: a path on disk for one in the state tree, `None` when it is not there.
pub(super) fn source(context: &Context<'_>, name: &str) -> Result<Option<String>, Failure> {
    let Some(path) = name.strip_prefix("salt://") else { return Ok(Some(name.to_string())) };
    let (path, saltenv) = path.split_once("?saltenv=").unwrap_or((path, context.saltenv));
    let tree = &context.minion.tree;
    let folder = || Ok::<_, Failure>(tree.list_dirs(saltenv)?.iter().any(|folder| folder == path));
    if !tree.exists(saltenv, path)? && !folder()? {
        return Ok(None);
    }
    Ok(Some(tree.describe(saltenv, path)))
}

/// Comments as sentences.
pub(super) fn sentences(comments: &[String]) -> String {
    let text = comments.join(". ");
    if comments.len() > 1 { text + "." } else { text }
}

/// A failure that says what had been done before it.
pub(super) fn failed_after(message: String, comments: &[String]) -> Outcome {
    let hint = advice(&message);
    if comments.is_empty() {
        return Outcome::failed(message).hint(hint);
    }
    Outcome::failed(format!("{message}\n\nChanges already made: {}", sentences(comments))).hint(hint)
}
