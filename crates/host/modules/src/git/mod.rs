//! `git`: checkouts that follow a repository.
//!
//! Everything is done by the program `git` with arguments of our own making; it never asks questions. What is
//! remote is looked at (`git ls-remote`) before anything is changed, so a plan says from which revision to
//! which a checkout would move.
//!
//! Commits and changes that exist only in the checkout are never thrown away unless `force_reset`,
//! `force_checkout` or `force_clone` say so. A checkout that belongs to somebody else is worked on as its owner:
//! what a repository's own configuration and hooks start never runs with more rights than its owner has.
//! Passwords travel in the environment, not in URLs, and are not written down in the checkout.
//!
//! Besides what git itself takes, `name` may be `salt://path`: a git bundle (or bare repository) of the state
//! tree, read from where the tree lies on disk.
//!
//! When the host is a directory tree (`--root`), git runs outside of it on real paths: an empty tree has none.
//! Hooks are off then, but other settings of a repository that is in the tree already (`core.sshCommand`,
//! filters) would take effect outside: do not point it at trees with repositories of people you do not trust.

mod bare;
mod clone;
mod config;
mod exec;
mod latest;
mod local;
mod present;
mod program;
mod remote;
#[cfg(test)]
mod tests;
mod update;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "git",
    documentation: "Checkouts that follow a repository.",
    states: &[
        state!("latest", latest::latest, latest::Latest),
        state!("present", present::present, present::Present),
        state!("config_set", config::set, config::Set),
        state!("config_unset", config::unset, config::Unset),
    ],
    functions: &[
        execution!("version", exec::version, exec::Version),
        execution!("revision", exec::revision, exec::Revision),
        execution!("current_branch", exec::branch, exec::Checkout),
        execution!("describe", exec::describe, exec::Revision),
        execution!("rev_parse", exec::parse, exec::Parse),
        execution!("status", exec::status, exec::Checkout),
        execution!("is_worktree", exec::is_worktree, exec::Checkout),
        execution!("list_branches", exec::branches, exec::Checkout),
        execution!("list_tags", exec::tags, exec::Checkout),
        execution!("remotes", exec::remotes, exec::Checkout),
        execution!("ls_remote", exec::list_remote, exec::ListRemote),
        execution!("remote_refs", exec::list_remote, exec::ListRemote),
        execution!("config_get", exec::config_get, exec::ConfigGet),
        execution!("config_set", exec::config_set, exec::ConfigSet),
        execution!("clone", exec::clone, exec::Clone),
        execution!("init", exec::init, exec::Checkout),
        execution!("fetch", exec::fetch, exec::Fetch),
        execution!("pull", exec::pull, exec::Fetch),
        execution!("checkout", exec::checkout, exec::Parse),
    ],
};

/// Has a checkout of a repository at a revision: [`git.latest`](latest), for other modules.
pub(crate) fn check_out(
    context: &crate::Context<'_>,
    repository: &str,
    target: &str,
    revision: &str,
) -> Result<crate::Outcome, crate::Failure> {
    let arguments = [("name", repository), ("target", target), ("rev", revision)];
    let arguments: value::Map = arguments.into_iter().collect();
    let asked = <latest::Latest as crate::Arguments>::from_map(&arguments, value::Span::NONE);
    latest::latest(context, asked.map_err(crate::Failure::Problems)?)
}
