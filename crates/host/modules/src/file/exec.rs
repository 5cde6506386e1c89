//! Execution functions.

use std::path::PathBuf;

use host::{FileKind, Metadata};

use super::{accounts, hash::Algorithm, permissions::octal, place};
use crate::{Context, Failure};

arguments! {
    /// What is at a path.
    pub(super) struct At {
        /// The path.
        path: String,
    }
}

/// Whether a file is there, links followed.
pub(super) fn file_exists(context: &Context<'_>, at: At) -> Result<bool, Failure> {
    Ok(found(context, &at.path)?.is_some_and(|found| found.kind == FileKind::File))
}

/// Whether a directory is there, links followed.
pub(super) fn directory_exists(context: &Context<'_>, at: At) -> Result<bool, Failure> {
    Ok(found(context, &at.path)?.is_some_and(|found| found.kind == FileKind::Directory))
}

/// Whether a symbolic link is there.
pub(super) fn is_link(context: &Context<'_>, at: At) -> Result<bool, Failure> {
    let found = context.host().link_metadata(&place::expand(context, &at.path))?;
    Ok(found.is_some_and(|found| found.kind == FileKind::Symlink))
}

/// Where a symbolic link points.
pub(super) fn readlink(context: &Context<'_>, at: At) -> Result<String, Failure> {
    Ok(context.host().read_link(&absolute(context, &at.path)?)?.to_string_lossy().into_owned())
}

/// The entries of a directory, `.` and `..` among them, as Salt answers them.
pub(super) fn readdir(context: &Context<'_>, at: At) -> Result<Vec<String>, Failure> {
    let entries = context.host().list(&absolute(context, &at.path)?)?;
    Ok([".".to_string(), "..".to_string()]
        .into_iter()
        .chain(entries.into_iter().map(|entry| entry.name))
        .collect())
}

/// The content of a file as text.
pub(super) fn read(context: &Context<'_>, at: At) -> Result<String, Failure> {
    let content = context.host().read(&absolute(context, &at.path)?)?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// The permission bits of a path.
pub(super) fn get_mode(context: &Context<'_>, at: At) -> Result<String, Failure> {
    Ok(octal(there(context, &at.path)?.mode))
}

/// Who owns a path.
pub(super) fn get_user(context: &Context<'_>, at: At) -> Result<String, Failure> {
    accounts::user_name(context.host(), &there(context, &at.path)?.user)
}

/// Which group a path belongs to.
pub(super) fn get_group(context: &Context<'_>, at: At) -> Result<String, Failure> {
    accounts::group_name(context.host(), &there(context, &at.path)?.group)
}

arguments! {
    /// The hash of a file.
    pub(super) struct Hash {
        /// The path.
        path: String,
        /// The algorithm.
        form: String = "sha256",
    }
}

/// See [`struct@Hash`].
pub(super) fn get_hash(context: &Context<'_>, of: Hash) -> Result<String, Failure> {
    let algorithm = Algorithm::named(&of.form)?;
    Ok(algorithm.hash(&context.host().read(&absolute(context, &of.path)?)?))
}

arguments! {
    /// Whether a file contains a text.
    pub(super) struct Contains {
        /// The path.
        path: String,
        /// The text.
        text: crate::AnyText,
    }
}

/// See [`Contains`].
pub(super) fn contains(context: &Context<'_>, asked: Contains) -> Result<bool, Failure> {
    if found(context, &asked.path)?.is_none_or(|found| found.kind != FileKind::File) {
        return Ok(false);
    }
    let content = context.host().read(&absolute(context, &asked.path)?)?;
    Ok(String::from_utf8_lossy(&content).contains(asked.text.0.trim()))
}

/// All but the last part of a path.
pub(super) fn dirname(_: &Context<'_>, at: At) -> Result<String, Failure> {
    let (parent, _) = at.path.rsplit_once('/').unwrap_or_default();
    let trimmed = parent.trim_end_matches('/');
    Ok(if trimmed.is_empty() && at.path.starts_with('/') { "/".into() } else { trimmed.into() })
}

/// The last part of a path.
pub(super) fn basename(_: &Context<'_>, at: At) -> Result<String, Failure> {
    Ok(at.path.rsplit('/').next().unwrap_or_default().into())
}

/// Removes what is at a path; false when nothing is.
pub(super) fn remove(context: &Context<'_>, at: At) -> Result<bool, Failure> {
    let path = absolute(context, &at.path)?;
    if path.parent().is_none() {
        return Err(
            Failure::message("Refusing to remove \"/\"").hint("name the path below `/` that is to go")
        );
    }
    if context.host().link_metadata(&path)?.is_none() {
        return Ok(false);
    }
    place::guard(context.host(), &path)?;
    place::remove(context.host(), &path)?;
    Ok(true)
}

fn absolute(context: &Context<'_>, path: &str) -> Result<PathBuf, Failure> {
    let expanded = place::expand(context, path);
    if expanded.is_absolute() {
        return Ok(expanded);
    }
    Err(Failure::message("File path must be absolute.").hint(format!("write the whole path: `/…/{path}`")))
}

fn found(context: &Context<'_>, path: &str) -> Result<Option<Metadata>, Failure> {
    let path = place::expand(context, path);
    if !path.is_absolute() {
        return Ok(None);
    }
    Ok(context.host().metadata(&path)?)
}

fn there(context: &Context<'_>, path: &str) -> Result<Metadata, Failure> {
    let what = || {
        Failure::message(format!("Path not found: {path}"))
            .hint("correct the path, or ask first with `file.file_exists`")
    };
    found(context, path)?.ok_or_else(what)
}
