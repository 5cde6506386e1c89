//! `file.copy` and `file.rename`.

use host::{Attributes, FileKind};

use super::permissions::{Permissions, bits, directory_bits};
use super::place;
use crate::{AnyText, Context, Failure, Mode, Outcome};

arguments! {
    /// Copies a file that is on the machine. Changes: the new path, with the old one.
    pub(super) struct Copy {
        /// Where to.
        name: String,
        /// What.
        source: String,
        /// Replace a file that is there and differs.
        force: bool = false,
        /// Make missing parent directories.
        makedirs: bool = false,
        /// Take owner and mode over.
        preserve: bool = false,
        /// Who owns the copy.
        user: Option<AnyText>,
        /// Which group it belongs to.
        group: Option<AnyText>,
        /// Its permission bits; the source's by default.
        mode: Option<Mode>,
        /// Permission bits of directories that are made.
        dir_mode: Option<Mode>,
        /// If a directory is there, copy into it.
        subdir: bool = false
        ;.. others
    }
}

/// See [`struct@Copy`].
pub(super) fn copy(context: &Context<'_>, arguments: Copy) -> Result<Outcome, Failure> {
    let host = context.host();
    let source = &arguments.source;
    let from = place::absolute(context, source)?;
    let mut path = place::absolute(context, &arguments.name)?;
    let Some(found) = host.metadata(&from)? else {
        return Err(Failure::message(format!("Source file \"{source}\" is not present"))
            .hint("`file.copy` copies what is on the machine; from the state tree use `file.managed`")
            .blames("source"));
    };
    if found.kind != FileKind::File {
        return Err(Failure::message(format!("{source}: this version copies single files only"))
            .hint("put the folder into the state tree and use `file.recurse`")
            .blames("source"));
    }
    if arguments.subdir && place::is_directory(host, &path)? {
        path.push(from.file_name().unwrap_or_default());
    }
    let name = path.to_string_lossy().into_owned();
    let mode = bits(arguments.mode).unwrap_or(found.mode);
    let permissions =
        Permissions::of(context, arguments.user.as_ref(), arguments.group.as_ref(), Some(mode))?;
    let mut attributes = permissions.attributes();
    if arguments.preserve {
        attributes = Attributes { mode: Some(found.mode), user: Some(found.user), group: Some(found.group) };
    }
    let content = host.read(&from)?;
    if let Some(standing) = host.link_metadata(&path)? {
        let same = standing.kind == FileKind::File && host.read(&path)? == content;
        if !arguments.force || same {
            let comment = format!("The target file \"{name}\" exists and will not be overwritten");
            return Ok(Outcome::unchanged(comment));
        }
        if standing.kind == FileKind::Directory {
            return Err(Failure::message(format!("Specified target {name} is a directory"))
                .hint("add `- subdir: True` to copy into it, or name a file")
                .blames("name"));
        }
    }
    place::guard(host, &path)?;
    let parent = path.parent().unwrap_or(&path);
    if !place::is_directory(host, parent)? {
        if !arguments.makedirs {
            let what = format!("The target directory {} is not present", parent.display());
            return Err(place::no_parent(what, parent));
        }
        let above = directory_bits(bits(arguments.dir_mode), Some(mode));
        place::make_directories(host, parent, &permissions.with_mode(above).attributes())?;
    }
    host.write(&path, &content, &attributes)?;
    let done = format!("Copied \"{source}\" to \"{name}\"");
    let planned = format!("File \"{source}\" is set to be copied to \"{name}\"");
    Ok(Outcome::unchanged(context.words(done, planned)).with(&name, source.as_str()))
}

arguments! {
    /// Moves a file or directory that is on the machine. Changes: the new path, with the old one.
    pub(super) struct Rename {
        /// Where to.
        name: String,
        /// What.
        source: String,
        /// Replace what is there.
        force: bool = false,
        /// Make missing parent directories.
        makedirs: bool = false
        ;.. others
    }
}

/// See [`Rename`].
pub(super) fn rename(context: &Context<'_>, arguments: Rename) -> Result<Outcome, Failure> {
    let host = context.host();
    let (name, source) = (&arguments.name, &arguments.source);
    let (path, from) = (place::absolute(context, name)?, place::absolute(context, source)?);
    if host.link_metadata(&from)?.is_none() {
        let comment = format!("Source file \"{source}\" has already been moved out of place");
        return Ok(Outcome::unchanged(comment));
    }
    if host.link_metadata(&path)?.is_some() && !arguments.force {
        let comment = format!("The target file \"{name}\" exists and will not be overwritten");
        return Ok(Outcome::unchanged(comment));
    }
    place::guard(host, &path)?;
    place::guard(host, &from)?;
    let parent = path.parent().unwrap_or(&path);
    if !place::is_directory(host, parent)? {
        if !arguments.makedirs {
            let what = format!("The target directory {} is not present", parent.display());
            return Err(place::no_parent(what, parent));
        }
        place::make_directories(host, parent, &Attributes::default())?;
    }
    place::remove(host, &path)?;
    host.rename(&from, &path)?;
    let done = format!("Moved \"{source}\" to \"{name}\"");
    let planned = format!("File \"{source}\" is set to be moved to \"{name}\"");
    Ok(Outcome::unchanged(context.words(done, planned)).with(name, source.as_str()))
}
