//! What a checkout has.

use std::path::Path;

use host::{Effect, Fact, FileKind, Subject};
use value::{Map, Value};

use super::program::Git;
use crate::{Context, Failure};

/// A checkout as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Local {
    /// The commit it is at; none in an empty repository.
    pub(super) revision: Option<String>,
    /// The branch it is on; `HEAD` when it is on none.
    pub(super) branch: Option<String>,
    /// Its branches.
    pub(super) branches: Vec<String>,
    /// Its tags; none when they are not known (a checkout that is only planned).
    pub(super) tags: Option<Vec<String>>,
    /// Where its remote is.
    pub(super) url: Option<String>,
    /// What its branch follows.
    pub(super) upstream: Option<String>,
    /// Whether files differ from the commit.
    pub(super) changes: bool,
    /// Whether this is what was told, not what was looked at.
    pub(super) told: bool,
}

/// Whether a repository is at a path: `None` for no, else the checkout.
pub(super) fn look(git: &Git<'_>, target: &str, remote: &str, bare: bool) -> Result<Option<Local>, Failure> {
    if let Some(Fact::Present(properties)) = git.context.host().fact(&Subject::new("git", target)) {
        return Ok(Some(told(&properties)));
    }
    if !is_repository(git.context, target, bare)? {
        return Ok(None);
    }
    let revision = git.ask(target, &["rev-parse", "HEAD"])?.filter(|revision| is_commit(revision));
    let branch = git.ask(target, &["rev-parse", "--abbrev-ref", "HEAD"])?;
    let refs = git.ask(target, &["for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags"])?;
    let refs = refs.unwrap_or_default();
    let under = |prefix: &str| -> Vec<String> {
        refs.lines().filter_map(|name| name.strip_prefix(prefix)).map(String::from).collect()
    };
    let url = git.ask(target, &["config", "--get", &format!("remote.{remote}.url")])?;
    let changes = !bare && revision.is_some() && {
        let differs = git.ask(target, &["status", "--porcelain", "--untracked-files=no"])?;
        differs.is_some_and(|differs| !differs.is_empty())
    };
    let (branches, tags) = (under("refs/heads/"), Some(under("refs/tags/")));
    Ok(Some(Local { revision, branch, branches, tags, url, upstream: None, changes, told: false }))
}

/// What a branch follows, `origin/main`.
pub(super) fn upstream(
    git: &Git<'_>,
    target: &str,
    local: &Local,
    branch: &str,
) -> Result<Option<String>, Failure> {
    if local.told {
        return Ok(local.upstream.clone());
    }
    git.ask(target, &["rev-parse", "--abbrev-ref", &format!("{branch}@{{upstream}}")])
}

/// Whether a checkout (`.git` in it) or a bare repository (`refs` in it) is there.
pub(super) fn is_repository(context: &Context<'_>, target: &str, bare: bool) -> Result<bool, Failure> {
    let part = Path::new(target).join(if bare { "refs" } else { ".git" });
    let found = context.host().metadata(&part)?;
    Ok(found
        .is_some_and(|found| found.kind == FileKind::Directory || (!bare && found.kind == FileKind::File)))
}

/// The fact that a checkout will be as told.
pub(super) fn effect(context: &Context<'_>, target: &str, before: Option<&Local>, after: &Local) -> Effect {
    let subject = Subject::new("git", target);
    let known = before.map_or(Fact::Absent, |local| Fact::Present(properties(local).into()));
    let before = context.host().fact(&subject).unwrap_or(known);
    Effect { subject, before, after: Fact::Present(properties(after).into()) }
}

fn properties(local: &Local) -> Map {
    let mut properties = Map::new();
    let texts = [
        ("revision", &local.revision),
        ("branch", &local.branch),
        ("url", &local.url),
        ("upstream", &local.upstream),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            properties.insert(name, text.as_str());
        }
    }
    properties
}

fn told(properties: &Value) -> Local {
    let text = |name: &str| properties.get(name).map(Value::to_string);
    Local {
        revision: text("revision"),
        branch: text("branch"),
        branches: text("branch").into_iter().collect(),
        tags: None,
        url: text("url"),
        upstream: text("upstream"),
        changes: false,
        told: true,
    }
}

fn is_commit(text: &str) -> bool {
    text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
