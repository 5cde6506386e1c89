//! Where a state may act: absolute paths, links that may be followed, parents that have to be made.
//!
//! Whoever can write to a directory can put a link there. A run as root that follows such a link writes
//! where its planter wants. So before anything is written, each link on the way has to belong to root, to
//! the owner of what it leads to, or to the user the run is for; other links are refused with a message.

use std::path::{Component, Path, PathBuf};

use host::{Attributes, FileKind, Host, Metadata, Owner};

use crate::{Context, Failure};

/// How many links in a row are followed, as Linux does.
const MOST_LINKS: usize = 40;

/// The absolute path of a name; `~` stands for the home of the user the run is for.
pub(crate) fn absolute(context: &Context<'_>, name: &str) -> Result<PathBuf, Failure> {
    let expanded = expand(context, name);
    if name.is_empty() {
        return Err(Failure::message("Destination file name is required")
            .hint("write the path: `- name: /…`")
            .blames("name"));
    }
    if !expanded.is_absolute() {
        return Err(Failure::message(format!("Specified file {name} is not an absolute path"))
            .hint(format!("write the whole path on the machine: `- name: /…/{name}`"))
            .blames("name"));
    }
    Ok(expanded)
}

/// The path with a leading `~` replaced.
pub(crate) fn expand(context: &Context<'_>, name: &str) -> PathBuf {
    let home = || {
        let variables = context.host().environment();
        variables.iter().find(|(key, _)| key == "HOME").map(|(_, value)| value.clone())
    };
    match name.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match home() {
            Some(home) => PathBuf::from(format!("{home}{rest}")),
            None => PathBuf::from(name),
        },
        _ => PathBuf::from(name),
    }
}

/// Where a path leads when the links at its end are followed, and what is there. A link that may not be
/// followed is a failure.
pub(crate) fn follow(host: &dyn Host, path: &Path) -> Result<(PathBuf, Option<Metadata>), Failure> {
    let mut at = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match host.link_metadata(&at)? {
            Some(metadata) if metadata.kind == FileKind::Symlink => {
                trust(host, &at, &metadata)?;
                at = lexical(at.parent().unwrap_or(Path::new("/")), &host.read_link(&at)?);
            }
            found => return Ok((at, found)),
        }
    }
    Err(host::HostError::LinkLoop(path.to_path_buf()).into())
}

/// Refuses a path with a link on the way (the last part aside) that somebody else may have planted.
pub(crate) fn guard(host: &dyn Host, path: &Path) -> Result<(), Failure> {
    let mut at = PathBuf::from("/");
    for part in path.parent().unwrap_or(Path::new("/")).components() {
        at.push(part);
        match host.link_metadata(&at)? {
            Some(metadata) if metadata.kind == FileKind::Symlink => trust(host, &at, &metadata)?,
            Some(_) => {}
            None => return Ok(()),
        }
    }
    Ok(())
}

fn trust(host: &dyn Host, link: &Path, metadata: &Metadata) -> Result<(), Failure> {
    if metadata.user == Owner::Id(0) {
        return Ok(());
    }
    match host.metadata(link)? {
        Some(target) if target.user == metadata.user => Ok(()),
        _ => Err(Failure::message(format!(
            "{}: the symbolic link belongs to another user than what it leads to; it is not followed",
            link.display()
        ))
        .hint(format!(
            "remove the link, or give it to whoever owns its target: chown -h USER {}",
            link.display()
        ))),
    }
}

/// `to`, seen from `base`, with `.` and `..` applied to the text.
pub(crate) fn lexical(base: &Path, to: &Path) -> PathBuf {
    let mut joined = PathBuf::from("/");
    for part in base.join(to).components() {
        match part {
            Component::ParentDir => {
                joined.pop();
            }
            Component::Normal(part) => joined.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    joined
}

/// Whether a directory is there, links followed.
pub(crate) fn is_directory(host: &dyn Host, path: &Path) -> Result<bool, Failure> {
    Ok(host.metadata(path)?.is_some_and(|metadata| metadata.kind == FileKind::Directory))
}

/// What a state says that finds no directory to put something into, and was not told to make it.
pub(crate) fn no_parent(what: impl Into<String>, parent: &Path) -> Failure {
    Failure::message(what)
        .hint(format!("add `- makedirs: True`, or a `file.directory` state for {} above", parent.display()))
        .blames("name")
}

/// Makes the directories above a path that are missing.
pub(crate) fn make_parents(host: &dyn Host, path: &Path, attributes: &Attributes) -> Result<(), Failure> {
    match path.parent() {
        Some(parent) => make_directories(host, parent, attributes),
        None => Ok(()),
    }
}

/// Makes a directory and those above it that are missing.
pub(crate) fn make_directories(host: &dyn Host, path: &Path, attributes: &Attributes) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let mut at = Some(path);
    while let Some(directory) = at {
        match host.metadata(directory)? {
            Some(metadata) if metadata.kind == FileKind::Directory => break,
            Some(_) => return Err(host::HostError::NotADirectory(directory.into()).into()),
            None => missing.push(directory),
        }
        at = directory.parent();
    }
    for directory in missing.into_iter().rev() {
        host.create_directory(directory, attributes)?;
    }
    Ok(())
}

/// Removes whatever is at a path.
pub(crate) fn remove(host: &dyn Host, path: &Path) -> Result<(), Failure> {
    match host.link_metadata(path)? {
        Some(metadata) if metadata.kind == FileKind::Directory => host.remove_directory(path)?,
        Some(_) => host.remove_file(path)?,
        None => {}
    }
    Ok(())
}
