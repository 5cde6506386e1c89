//! The short state functions: absent, exists, missing, touch.

use host::FileKind;

use super::{place, put};
use crate::{Context, Failure, Outcome};

arguments! {
    /// A path, and nothing else.
    pub(super) struct Named {
        /// The path.
        name: String
        ;.. others
    }
}

/// Removes what is at a path. Changes: `removed`.
pub(super) fn absent(context: &Context<'_>, arguments: Named) -> Result<Outcome, Failure> {
    let name = &arguments.name;
    let host = context.host();
    let path = place::absolute(context, name)?;
    if path.parent().is_none() {
        return Err(Failure::message("Refusing to make \"/\" absent")
            .hint("name the path below `/` that is to go")
            .blames("name"));
    }
    let Some(found) = host.link_metadata(&path)? else {
        return Ok(Outcome::unchanged(format!("File {name} is not present")));
    };
    place::guard(host, &path)?;
    place::remove(host, &path)?;
    let (done, planned) = if found.kind == FileKind::Directory {
        (format!("Removed directory {name}"), format!("Directory {name} is set for removal"))
    } else {
        (format!("Removed file {name}"), format!("File {name} is set for removal"))
    };
    Ok(Outcome::unchanged(context.words(done, planned)).with("removed", name.as_str()))
}

/// Fails unless something is at a path.
pub(super) fn exists(context: &Context<'_>, arguments: Named) -> Result<Outcome, Failure> {
    let path = place::absolute(context, &arguments.name)?;
    Ok(match context.host().metadata(&path)? {
        Some(_) => Outcome::unchanged(format!("Path {} exists", arguments.name)),
        None => Outcome::failed(format!("Specified path {} does not exist", arguments.name))
            .hint("make it first: with `file.managed` or `file.directory`, in a state that this one requires")
            .blames("name"),
    })
}

/// Fails if something is at a path.
pub(super) fn missing(context: &Context<'_>, arguments: Named) -> Result<Outcome, Failure> {
    let path = place::absolute(context, &arguments.name)?;
    Ok(match context.host().metadata(&path)? {
        Some(_) => Outcome::failed(format!("Specified path {} exists", arguments.name))
            .hint("this state only looks; `file.absent` removes what is there")
            .blames("name"),
        None => Outcome::unchanged(format!("Path {} is missing", arguments.name)),
    })
}

arguments! {
    /// Makes an empty file, or sets the time of the last change of what is there.
    ///
    /// Changes: `new` or `touched`.
    pub(super) struct Touch {
        /// The path.
        name: String,
        /// The time of the last access; accepted and left alone.
        atime: Option<f64>,
        /// The time of the last change, in seconds since 1970; now by default.
        mtime: Option<f64>,
        /// Make missing parent directories.
        makedirs: bool = false,
    }
}

/// See [`Touch`].
pub(super) fn touch(context: &Context<'_>, arguments: Touch) -> Result<Outcome, Failure> {
    let name = &arguments.name;
    let host = context.host();
    let (path, found) = place::follow(host, &place::absolute(context, name)?)?;
    let wanted = arguments.mtime.map(|seconds| host::Timestamp {
        seconds: seconds.floor() as i64,
        nanoseconds: ((seconds - seconds.floor()) * 1e9) as u32,
    });
    if let (Some(found), Some(wanted)) = (&found, wanted)
        && found.modified == wanted
    {
        return Ok(Outcome::unchanged(format!("File {name} exists and has the correct times")));
    }
    place::guard(host, &path)?;
    if let Some(found) = found {
        host.set_modified(&path, wanted.unwrap_or(host.now()))?;
        let kind = if found.kind == FileKind::Directory { "directory" } else { "file" };
        let done = format!("Updated times on {kind} {name}");
        let comment = context.words(done, format!("Times set to be updated on file {name}"));
        return Ok(Outcome::unchanged(comment).with("touched", name.as_str()));
    }
    if arguments.makedirs {
        place::make_parents(host, &path, &host::Attributes::default())?;
    } else if !place::is_directory(host, path.parent().unwrap_or(&path))? {
        let parent = path.parent().unwrap_or(&path);
        return Err(place::no_parent(format!("Directory not present to touch file {name}"), parent));
    }
    host.write(&path, b"", &host::Attributes::default())?;
    if let Some(wanted) = wanted {
        host.set_modified(&path, wanted)?;
    }
    let done = format!("Created empty file {name}");
    let comment = context.words(done, format!("File {name} is set to be created"));
    Ok(Outcome::unchanged(comment).with("new", name.as_str()))
}

arguments! {
    /// Keeps a symbolic link.
    ///
    /// Changes: `new`, or `ownership` when only its owner changed.
    pub(super) struct Symlink {
        /// The path of the link.
        name: String,
        /// Where it points.
        target: String,
        /// Replace a file or directory that is in its place.
        force: bool = false,
        /// Move what is in its place there instead of removing it.
        backupname: Option<String>,
        /// Make missing parent directories.
        makedirs: bool = false,
        /// Who owns the link.
        user: Option<crate::AnyText>,
        /// Which group the link belongs to.
        group: Option<crate::AnyText>,
        /// Permission bits of parent directories that are made.
        mode: Option<crate::Mode>,
        /// Leave the owner of a link that is there alone.
        inherit_user_and_group: bool = false,
        /// Replace without a gap; accepted.
        atomic: bool = false,
        /// Look at what a link leads to; accepted.
        follow_symlinks: bool = true
        ;.. others
    }
}

/// See [`Symlink`].
pub(super) fn symlink(context: &Context<'_>, arguments: Symlink) -> Result<Outcome, Failure> {
    let host = context.host();
    let (name, target) = (&arguments.name, &arguments.target);
    let path = place::absolute(context, name)?;
    let owner = put::link_owner(context, arguments.user.as_ref(), arguments.group.as_ref())?;
    let owner_text = format!("{}:{}", owner.0, owner.1);
    let found = host.link_metadata(&path)?;
    if let Some(found) = &found
        && found.kind == FileKind::Symlink
        && host.read_link(&path)? == std::path::Path::new(target)
    {
        let present = format!("Symlink {name} is present and owned by {owner_text}");
        let declared = arguments.user.is_some() || arguments.group.is_some();
        if !declared && arguments.inherit_user_and_group {
            return Ok(Outcome::unchanged(context.words(present, format!("The symlink {name} is present"))));
        }
        place::guard(host, &path)?;
        if owner.2.enforce(host, &path, found)?.is_empty() {
            return Ok(Outcome::unchanged(context.words(present, format!("The symlink {name} is present"))));
        }
        let done = format!("Set ownership of symlink {name} to {owner_text}");
        let planned = format!(
            "The symlink {name} is present, but the ownership of the symlink would be changed to {owner_text}"
        );
        return Ok(Outcome::unchanged(context.words(done, planned)).with("ownership", owner_text));
    }
    place::guard(host, &path)?;
    let parent = path.parent().unwrap_or(&path);
    if !place::is_directory(host, parent)? {
        if !arguments.makedirs {
            let what = format!("Directory {} for symlink is not present", parent.display());
            return Err(place::no_parent(what, parent));
        }
        let bits = super::permissions::bits(arguments.mode);
        place::make_directories(host, parent, &owner.2.with_mode(bits).attributes())?;
    }
    let mut planned = format!("Symlink {name} to {target} is set for creation");
    match &found {
        None => {}
        Some(found) if found.kind == FileKind::Symlink => {
            planned = format!("Link {name} target is set to be changed to {target}");
            host.remove_file(&path)?;
        }
        Some(found) => {
            if let Some(backup) = &arguments.backupname {
                let backup = place::lexical(parent, std::path::Path::new(backup));
                if host.link_metadata(&backup)?.is_some() {
                    if !arguments.force {
                        return Err(Failure::message(format!(
                            "Symlink & backup dest exists and Force not set. {name} -> {target} - backup: {}",
                            backup.display()
                        ))
                        .hint("move the old backup away, choose another `backupname`, or add `- force: True`")
                        .blames("backupname"));
                    }
                    place::remove(host, &backup)?;
                }
                host.rename(&path, &backup)?;
            } else if arguments.force {
                place::remove(host, &path)?;
            } else {
                let kind = match found.kind {
                    FileKind::File => "File",
                    FileKind::Directory => "Directory",
                    _ => "File system entry",
                };
                return Err(Failure::message(format!("{kind} exists where the symlink {name} should be"))
                    .hint("add `- force: True` to remove it, or `- backupname: NAME` to keep it beside the link")
                    .blames("name"));
            }
            planned = format!(
                "The file or directory {name} is set for removal to make way for a new symlink targeting {target}"
            );
        }
    }
    host.create_symlink(std::path::Path::new(target), &path)?;
    if let Some(made) = host.link_metadata(&path)? {
        owner.2.enforce(host, &path, &made)?;
    }
    let done = format!("Created new symlink {name} -> {target}");
    Ok(Outcome::unchanged(context.words(done, planned)).with("new", name.as_str()))
}
