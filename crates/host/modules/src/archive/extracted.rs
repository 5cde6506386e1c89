//! `archive.extracted`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::{Attributes, FileKind};
use value::{Map, Value};

use super::tape::{self, Entry, Kind};
use crate::file::{content::Source, permissions::Permissions, place};
use crate::{AnyText, Context, Failure, Outcome};

arguments! {
    /// Keeps an archive unpacked in a folder.
    ///
    /// Changes: `extracted_files` (paths in the archive), `directories_created`, `removed`.
    pub(super) struct Extracted {
        /// The folder.
        name: String,
        /// The archive: `salt://path`, or an absolute path on the machine.
        source: String,
        /// The hash that an archive outside the tree must have.
        source_hash: Option<String>,
        /// Use it without a hash.
        skip_verify: bool = false,
        /// `tar`; read from the archive itself otherwise.
        archive_format: Option<String>,
        /// Options of the program: of `--strip-components=N` is taken notice.
        options: Option<String>,
        /// Refuse an archive that would scatter several things over the folder.
        enforce_toplevel: bool = true,
        /// Who owns what is unpacked.
        user: Option<AnyText>,
        /// Which group it belongs to.
        group: Option<AnyText>,
        /// Do nothing when this path is there.
        if_missing: Option<String>,
        /// Replace what is there and differs.
        overwrite: bool = false,
        /// Remove everything in the folder before unpacking.
        clean: bool = false,
        /// Replace things of another kind that are in the way.
        force: bool = false
        ;.. others
    }
}

/// See [`Extracted`].
pub(super) fn extracted(context: &Context<'_>, arguments: Extracted) -> Result<Outcome, Failure> {
    let host = context.host();
    let name = arguments.name.trim_end_matches('/');
    let root = place::absolute(context, name)?;
    if let Some(missing) = &arguments.if_missing
        && host.metadata(&place::absolute(context, missing)?)?.is_some()
    {
        return Ok(Outcome::unchanged(format!("Path {missing} exists")));
    }
    if let Some(format) = arguments.archive_format.as_deref()
        && format != "tar"
    {
        return Err(Failure::message(format!(
            "archives of the format `{format}` cannot be unpacked by this version"
        ))
        .hint("pack it as a tar file, plain or with gzip")
        .blames("archive_format"));
    }
    let blamed = |failure: Failure| failure.blames("source");
    let source = Source::parse(context, &arguments.source).map_err(blamed)?;
    if let Some(hash) = &arguments.source_hash
        && !arguments.skip_verify
    {
        let verified = source.verify(context, &arguments.source, hash, name, None);
        verified.map_err(|failure| failure.blames("source_hash"))?;
    }
    let packed = source.read(context).map_err(blamed)?;
    let entries = tape::read(&packed, stripped(arguments.options.as_deref()))
        .map_err(|failure| failure.within(&arguments.source).blames("source"))?;
    check_toplevel(&entries, &arguments)?;
    let permissions = Permissions::of(context, arguments.user.as_ref(), arguments.group.as_ref(), None)?;
    let mut changes = Map::new();
    if arguments.clean && host.link_metadata(&root)?.is_some() && !is_there(context, &root, &entries, false)?
    {
        let removed: Vec<String> = host.list(&root)?.into_iter().map(|entry| entry.name).collect();
        for inside in &removed {
            place::remove(host, &root.join(inside))?;
        }
        changes.insert("removed", removed);
    }
    if is_there(context, &root, &entries, arguments.overwrite)? {
        return Ok(Outcome::unchanged("All files in archive are already present"));
    }
    if host.metadata(&root)?.is_none() {
        place::guard(host, &root)?;
        place::make_directories(host, &root, &permissions.attributes())?;
        changes.insert("directories_created", vec![format!("{name}/")]);
    }
    let mut done = Vec::new();
    for entry in &entries {
        unpack(context, &root, entry, &permissions, arguments.force)?;
        done.push(entry.path.display().to_string());
    }
    changes.insert("extracted_files", done);
    let comment = format!("{} extracted to {name}/", arguments.source);
    let planned = format!("Archive {} would be extracted to {name}/", arguments.source);
    Ok(Outcome::changed(context.words(comment, planned), changes))
}

/// The number in `--strip-components=N` or `--strip N` of the options.
fn stripped(options: Option<&str>) -> usize {
    let words: Vec<&str> =
        options.unwrap_or_default().split([' ', '=']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|word| matches!(*word, "--strip-components" | "--strip"));
    at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(0)
}

fn check_toplevel(entries: &[Entry], arguments: &Extracted) -> Result<(), Failure> {
    let tops: BTreeSet<_> = entries.iter().filter_map(|entry| entry.path.components().next()).collect();
    if arguments.enforce_toplevel && tops.len() > 1 {
        return Err(Failure::message(format!(
            "Archive does not have a single top-level directory. To allow this archive to be extracted, set \
             'enforce_toplevel' to False. To avoid a '{}' top-level directory, use '--strip-components' in options.",
            arguments.source
        ))
        .hint("add `- enforce_toplevel: False`")
        .blames("source"));
    }
    Ok(())
}

/// Whether everything is there already; with `same` also of the same content.
fn is_there(context: &Context<'_>, root: &Path, entries: &[Entry], same: bool) -> Result<bool, Failure> {
    for entry in entries {
        let path = root.join(&entry.path);
        let Some(found) = context.host().link_metadata(&path)? else { return Ok(false) };
        let fits = match &entry.kind {
            Kind::Directory => found.kind == FileKind::Directory,
            Kind::Symlink(target) => {
                found.kind == FileKind::Symlink && (!same || context.host().read_link(&path)? == *target)
            }
            Kind::File(content) => {
                found.kind == FileKind::File
                    && (!same
                        || (found.size == content.len() as u64 && *context.host().read(&path)? == **content))
            }
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unpack(
    context: &Context<'_>,
    root: &Path,
    entry: &Entry,
    permissions: &Permissions,
    force: bool,
) -> Result<(), Failure> {
    let host = context.host();
    let path = root.join(&entry.path);
    let attributes = Attributes { mode: Some(entry.mode), ..permissions.attributes() };
    place::guard(host, &path)?;
    place::make_parents(host, &path, &permissions.attributes())?;
    let found = host.link_metadata(&path)?.map(|found| found.kind);
    let in_the_way = match (&entry.kind, found) {
        (_, None) | (Kind::Directory, Some(FileKind::Directory)) | (Kind::File(_), Some(FileKind::File)) => {
            false
        }
        (Kind::Symlink(_), Some(FileKind::Symlink)) => true,
        (_, Some(_)) if force => true,
        (_, Some(_)) => {
            let what =
                format!("{} exists and is of another kind; use force: True to replace it", path.display());
            return Err(Failure::message(what)
                .hint(format!("add `- force: True`, or move {} away", path.display()))
                .blames("name"));
        }
    };
    if in_the_way {
        place::remove(host, &path)?;
    }
    match &entry.kind {
        Kind::Directory if found == Some(FileKind::Directory) && !in_the_way => {}
        Kind::Directory => host.create_directory(&path, &attributes)?,
        Kind::File(content) => host.write(&path, content, &attributes)?,
        Kind::Symlink(target) => {
            host.create_symlink(target, &path)?;
            host.set_owner(&path, attributes.user.as_ref(), attributes.group.as_ref())?;
        }
    }
    Ok(())
}

arguments! {
    /// The paths in an archive.
    pub(super) struct List {
        /// The archive: `salt://path`, or an absolute path.
        name: String,
        /// How many leading parts are left off.
        strip_components: i64 = 0,
    }
}

/// See [`List`].
pub(super) fn list(context: &Context<'_>, arguments: List) -> Result<Value, Failure> {
    let source = Source::parse(context, &arguments.name)?;
    let strip = usize::try_from(arguments.strip_components).unwrap_or(0);
    let entries = tape::read(&source.read(context)?, strip)?;
    let paths = entries.into_iter().map(|entry: Entry| -> PathBuf { entry.path });
    Ok(paths.map(|path| path.display().to_string()).collect())
}
