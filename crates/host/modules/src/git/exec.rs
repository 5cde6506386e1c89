//! Execution functions.

use value::{Map, Value};

use super::program::{Done, Git, Refusal};
use super::remote::Remote;
use super::{latest, local};
use crate::{Context, Failure};

arguments! {
    /// The version of git.
    pub(super) struct Version {
        /// As a list of numbers.
        versioninfo: bool = false,
    }
}

/// See [`Version`].
pub(super) fn version(context: &Context<'_>, arguments: Version) -> Result<Value, Failure> {
    let said = Git::new(context, None).look(&["--version"])?;
    let version = said.split_whitespace().nth(2).unwrap_or_default().to_string();
    if !arguments.versioninfo {
        return Ok(version.into());
    }
    let number = |part: &str| part.parse::<i64>().map_or_else(|_| Value::from(part), Value::from);
    Ok(version.split('.').map(number).collect())
}

arguments! {
    /// About a revision of a checkout.
    pub(super) struct Revision {
        /// The checkout.
        cwd: String,
        /// The revision.
        rev: String = "HEAD",
        /// Shortened.
        short: bool = false,
        /// As whom git runs; the checkout's owner by default.
        user: Option<String>
        ;.. others
    }
}

/// The commit that a revision stands for.
pub(super) fn revision(context: &Context<'_>, arguments: Revision) -> Result<String, Failure> {
    let git = at(context, &arguments.cwd, arguments.user.as_deref());
    let short: &[&str] = if arguments.short { &["--short"] } else { &[] };
    Ok(git.look_in(&arguments.cwd, &[&["rev-parse"], short, &[&arguments.rev]].concat())?)
}

/// A revision in words: the nearest tag and the distance to it.
pub(super) fn describe(context: &Context<'_>, arguments: Revision) -> Result<String, Failure> {
    let git = at(context, &arguments.cwd, arguments.user.as_deref());
    Ok(git.look_in(&arguments.cwd, &["describe", &arguments.rev])?)
}

arguments! {
    /// About a checkout.
    pub(super) struct Checkout {
        /// The checkout.
        cwd: String,
        /// As whom git runs; the checkout's owner by default.
        user: Option<String>
        ;.. others
    }
}

/// The branch that a checkout is on; `HEAD` when it is on none.
pub(super) fn branch(context: &Context<'_>, arguments: Checkout) -> Result<String, Failure> {
    looked(context, &arguments, &["rev-parse", "--abbrev-ref", "HEAD"])
}

/// The local branches.
pub(super) fn branches(context: &Context<'_>, arguments: Checkout) -> Result<Value, Failure> {
    lines(&looked(context, &arguments, &["for-each-ref", "--format=%(refname:short)", "refs/heads"])?)
}

/// The tags.
pub(super) fn tags(context: &Context<'_>, arguments: Checkout) -> Result<Value, Failure> {
    lines(&looked(context, &arguments, &["for-each-ref", "--format=%(refname:short)", "refs/tags"])?)
}

fn lines(text: &str) -> Result<Value, Failure> {
    Ok(text.lines().collect())
}

/// Which files differ from the commit: `modified`, `new`, `deleted`, `untracked`.
pub(super) fn status(context: &Context<'_>, arguments: Checkout) -> Result<Map, Failure> {
    let text = looked(context, &arguments, &["status", "--porcelain", "-z"])?;
    let mut kinds: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
    for entry in text.split('\0') {
        let (Some(state), Some(path)) = (entry.get(..2), entry.get(3..)) else { continue };
        let kind = match state.trim() {
            "M" | "MM" => "modified",
            "A" | "AM" => "new",
            "D" => "deleted",
            "??" => "untracked",
            _ => continue,
        };
        kinds.entry(kind).or_default().push(path.to_string());
    }
    Ok(kinds.into_iter().collect())
}

/// Whether a directory is a checkout.
pub(super) fn is_worktree(context: &Context<'_>, arguments: Checkout) -> Result<bool, Failure> {
    local::is_repository(context, &arguments.cwd, false)
}

/// The remotes with the URLs they are fetched from and pushed to.
pub(super) fn remotes(context: &Context<'_>, arguments: Checkout) -> Result<Map, Failure> {
    let text = looked(context, &arguments, &["remote", "--verbose"])?;
    let mut remotes = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, url, way] = words.as_slice() else { continue };
        let remote = remotes.get_or_insert_with(*name, || Map::new().into());
        if let Some(remote) = remote.as_map_mut() {
            remote.insert(way.trim_matches(['(', ')']), super::program::redacted(url));
        }
    }
    Ok(remotes)
}

fn looked(context: &Context<'_>, arguments: &Checkout, command: &[&str]) -> Result<String, Failure> {
    Ok(at(context, &arguments.cwd, arguments.user.as_deref()).look_in(&arguments.cwd, command)?)
}

fn at<'a>(context: &'a Context<'a>, cwd: &str, user: Option<&str>) -> Git<'a> {
    Git::new(context, user).owned_like(cwd).with_identity(&[])
}

arguments! {
    /// Names a revision of a checkout.
    pub(super) struct Parse {
        /// The checkout.
        cwd: String,
        /// The revision.
        rev: String = "HEAD",
        /// Options for git.
        opts: Vec<String> = Vec::new(),
        /// As whom git runs; the checkout's owner by default.
        user: Option<String>
        ;.. others
    }
}

/// What a revision stands for.
pub(super) fn parse(context: &Context<'_>, arguments: Parse) -> Result<String, Failure> {
    let git = at(context, &arguments.cwd, arguments.user.as_deref());
    let options = arguments.opts.iter().map(String::as_str);
    let command: Vec<&str> =
        ["rev-parse"].into_iter().chain(options).chain([arguments.rev.as_str()]).collect();
    Ok(git.look_in(&arguments.cwd, &command)?)
}

/// Checks a revision out.
pub(super) fn checkout(context: &Context<'_>, arguments: Parse) -> Result<String, Failure> {
    let git = at(context, &arguments.cwd, arguments.user.as_deref());
    let options = arguments.opts.iter().map(String::as_str);
    let command: Vec<&str> =
        ["checkout"].into_iter().chain(options).chain([arguments.rev.as_str()]).collect();
    acted(git.act_in(&arguments.cwd, &command, Vec::new()))
}

arguments! {
    /// The references of a remote repository, with their commits.
    pub(super) struct ListRemote {
        /// A checkout whose remote is asked.
        cwd: Option<String>,
        /// The remote's name, or a URL.
        remote: String = "origin",
        /// Only references that fit.
        r#ref: Option<String>,
        /// As whom git runs.
        user: Option<String>,
        /// SSH keys: one path or several.
        identity: Vec<String> = Vec::new(),
        /// The user name for HTTPS.
        https_user: Option<String>,
        /// The password for HTTPS.
        https_pass: Option<String>
        ;.. others
    }
}

/// See [`ListRemote`].
pub(super) fn list_remote(context: &Context<'_>, arguments: ListRemote) -> Result<Map, Failure> {
    let git = Git::new(context, arguments.user.as_deref())
        .with_identity(&arguments.identity)
        .with_password(arguments.https_user.as_deref(), arguments.https_pass.as_deref());
    let remote = latest::source(context, &arguments.remote)?.unwrap_or(arguments.remote);
    let mut command = vec!["ls-remote", "--", &remote];
    command.extend(arguments.r#ref.as_deref());
    let listing = match &arguments.cwd {
        Some(cwd) => git.look_in(cwd, &command)?,
        None => git.look(&command)?,
    };
    Ok(Remote::parse(&listing).refs().iter().map(|(name, commit)| (name.as_str(), commit)).collect())
}

arguments! {
    /// The value of a setting.
    pub(super) struct ConfigGet {
        /// The setting.
        key: String,
        /// The repository; the user's own settings without.
        cwd: Option<String>,
        /// As whom git runs.
        user: Option<String>,
        /// All values, as a list.
        all: bool = false
        ;.. others
    }
}

/// See [`ConfigGet`].
pub(super) fn config_get(context: &Context<'_>, arguments: ConfigGet) -> Result<Value, Failure> {
    let git = Git::new(context, arguments.user.as_deref());
    let how = if arguments.all { "--get-all" } else { "--get" };
    let said = match &arguments.cwd {
        Some(cwd) => git.look_in(cwd, &["config", how, &arguments.key]),
        None => git.look(&["config", "--global", how, &arguments.key]),
    };
    match said {
        Ok(said) if arguments.all => lines(&said),
        Ok(said) => Ok(said.into()),
        Err(Refusal::Said(_)) => Ok(Value::NULL),
        Err(refusal) => Err(refusal.into()),
    }
}

arguments! {
    /// Sets a setting.
    pub(super) struct ConfigSet {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
        /// The repository; the user's own settings without.
        cwd: Option<String>,
        /// As whom git runs.
        user: Option<String>
        ;.. others
    }
}

/// See [`ConfigSet`].
pub(super) fn config_set(context: &Context<'_>, arguments: ConfigSet) -> Result<Value, Failure> {
    let git = Git::new(context, arguments.user.as_deref());
    let (key, value) = (arguments.key.as_str(), arguments.value.as_str());
    let done = match &arguments.cwd {
        Some(cwd) => git.act_in(cwd, &["config", "--replace-all", key, value], Vec::new()),
        None => git.act(&["config", "--global", "--replace-all", key, value], Vec::new()),
    };
    acted(done)?;
    Ok(vec![arguments.value].into())
}

arguments! {
    /// Clones a repository.
    pub(super) struct Clone {
        /// Where the checkout goes.
        cwd: String,
        /// The repository.
        url: String,
        /// As whom git runs.
        user: Option<String>,
        /// SSH keys: one path or several.
        identity: Vec<String> = Vec::new(),
        /// The user name for HTTPS.
        https_user: Option<String>,
        /// The password for HTTPS.
        https_pass: Option<String>,
        /// Options for git.
        opts: Vec<String> = Vec::new()
        ;.. others
    }
}

/// See [`struct@Clone`].
pub(super) fn clone(context: &Context<'_>, arguments: Clone) -> Result<bool, Failure> {
    let git = Git::new(context, arguments.user.as_deref())
        .with_identity(&arguments.identity)
        .with_password(arguments.https_user.as_deref(), arguments.https_pass.as_deref());
    let url = latest::source(context, &arguments.url)?.unwrap_or(arguments.url);
    let target = git.real(&arguments.cwd);
    let options = arguments.opts.iter().map(String::as_str);
    let command: Vec<&str> = ["clone"].into_iter().chain(options).chain(["--", &url, &target]).collect();
    acted(git.act(&command, Vec::new()))?;
    Ok(true)
}

/// Makes an empty repository.
pub(super) fn init(context: &Context<'_>, arguments: Checkout) -> Result<String, Failure> {
    let git = Git::new(context, arguments.user.as_deref());
    let target = git.real(&arguments.cwd);
    acted(git.act(&["init", "--", &target], Vec::new()))
}

arguments! {
    /// Brings new commits into a checkout.
    pub(super) struct Fetch {
        /// The checkout.
        cwd: String,
        /// As whom git runs; the checkout's owner by default.
        user: Option<String>,
        /// SSH keys: one path or several.
        identity: Vec<String> = Vec::new(),
        /// Options for git.
        opts: Vec<String> = Vec::new()
        ;.. others
    }
}

/// Fetches; nothing in the checkout moves.
pub(super) fn fetch(context: &Context<'_>, arguments: Fetch) -> Result<String, Failure> {
    brought(context, "fetch", &arguments)
}

/// Fetches and merges.
pub(super) fn pull(context: &Context<'_>, arguments: Fetch) -> Result<String, Failure> {
    brought(context, "pull", &arguments)
}

fn brought(context: &Context<'_>, how: &str, arguments: &Fetch) -> Result<String, Failure> {
    let git = Git::new(context, arguments.user.as_deref())
        .owned_like(&arguments.cwd)
        .with_identity(&arguments.identity);
    let options = arguments.opts.iter().map(String::as_str);
    let command: Vec<&str> = [how].into_iter().chain(options).collect();
    acted(git.act_in(&arguments.cwd, &command, Vec::new()))
}

/// What git printed; under a plan there is nothing to answer yet.
fn acted(done: Result<Done, Refusal>) -> Result<String, Failure> {
    match done? {
        Done::Ran(words) => Ok(words.trim_end().to_string()),
        Done::Planned => Err(host::HostError::Unknown {
            what: "what git will say".into(),
            because: "it has not run".into(),
        }
        .into()),
    }
}
