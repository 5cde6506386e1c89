//! `git.present`: a repository of one's own.

use std::path::Path;

use host::{Effect, Fact, FileKind, Subject};
use value::Map;

use super::local::is_repository;
use super::program::{Git, Refusal, advice};
use crate::{Context, Failure, Outcome};

arguments! {
    /// Keeps a repository there; what is in it is its users' affair.
    pub(super) struct Present {
        /// Its path.
        name: String,
        /// Empty a directory that is there and no repository.
        force: bool = false,
        /// Without a checkout: to push to.
        bare: bool = true,
        /// A directory of files to start with.
        template: Option<String>,
        /// Where the repository itself goes when it is not to lie in the checkout.
        separate_git_dir: Option<String>,
        /// Who may push: `group`, `all`, an octal mode.
        shared: Option<String>,
        /// As whom git runs.
        user: Option<String>,
        /// Accepted; there are no passwords to give on Linux.
        password: Option<String>
    }
}

/// See [`Present`].
pub(super) fn present(context: &Context<'_>, arguments: Present) -> Result<Outcome, Failure> {
    let (host, name) = (context.host(), arguments.name.as_str());
    let known = matches!(host.fact(&Subject::new("git", name)), Some(Fact::Present(_)));
    if known || is_repository(context, name, arguments.bare)? {
        return Ok(Outcome::unchanged(""));
    }
    let mut changes = Map::new();
    let kind = if arguments.bare { "bare " } else { "" };
    let mut planned = format!("New {kind}repository would be created");
    let found = host.metadata(Path::new(name))?;
    if found.is_some_and(|found| found.kind == FileKind::Directory) && !host.list(Path::new(name))?.is_empty()
    {
        if !arguments.force {
            return Ok(Outcome::failed(format!(
                "Target '{name}' exists, is non-empty, and is not a git repository. Set the 'force' option to \
                 True to remove this directory's contents and proceed with initializing a repository"
            ))
            .hint("choose an empty directory, or add `- force: True`: what is in it is lost then")
            .blames("name"));
        }
        host.remove_directory(Path::new(name))?;
        changes.insert("forced init", true);
        planned = format!(
            "Target directory {name} exists. Since force=True, the contents of {name} would be deleted, and a \
             {kind}repository would be initialized in its place."
        );
    }
    let git = Git::new(context, arguments.user.as_deref());
    let options = [
        arguments.bare.then(|| "--bare".to_string()),
        arguments.template.as_ref().map(|path| format!("--template={path}")),
        arguments.separate_git_dir.as_ref().map(|path| format!("--separate-git-dir={path}")),
        arguments.shared.as_ref().map(|who| format!("--shared={who}")),
    ];
    let at = git.real(name);
    let mut command = vec!["init"];
    command.extend(options.iter().flatten().map(String::as_str));
    command.extend(["--", &at]);
    let there = Effect {
        subject: Subject::new("git", name),
        before: Fact::Absent,
        after: Fact::Present(Map::new().into()),
    };
    match git.act(&command, vec![there]) {
        Ok(_) => {}
        Err(Refusal::Said(words)) => {
            let hint = advice(&words);
            return Ok(Outcome::failed(words).hint(hint));
        }
        Err(refusal) => return Err(refusal.into()),
    }
    changes.insert("new", name);
    let mut done = format!("Initialized {kind}repository in {name}");
    if let Some(template) = &arguments.template {
        done.push_str(&format!(". Template directory set to {template}."));
    }
    Ok(Outcome::changed(context.words(done, planned), changes))
}
