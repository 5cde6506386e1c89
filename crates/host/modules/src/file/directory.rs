//! `file.directory`.

use std::path::{Path, PathBuf};

use host::{FileKind, Host};
use value::{Map, Value};

use super::permissions::{Permissions, bits};
use super::place;
use crate::{AnyText, Context, Failure, Mode, Outcome};

/// How deep a tree is walked at most.
const DEEPEST: usize = 200;

arguments! {
    /// Keeps a directory.
    ///
    /// Changes: by path, `directory: new`, or what was set: `user`, `group`, `mode`.
    pub(super) struct Directory {
        /// Its path.
        name: String,
        /// Who owns it.
        user or owner: Option<AnyText>,
        /// Which group it belongs to.
        group: Option<AnyText>,
        /// Permission bits of directories.
        dir_mode or mode: Option<Mode>,
        /// Permission bits of files, where a recursion sets them.
        file_mode: Option<Mode>,
        /// What is set below too: `user`, `group`, `mode`; `ignore_files`, `ignore_dirs` and `silent` narrow it.
        recurse: Vec<String> = Vec::new(),
        /// How deep.
        max_depth: Option<i64>,
        /// Make missing parents.
        makedirs: bool = false,
        /// Replace a file or link that is in its place.
        force: bool = false,
        /// Move what is in its place there instead of removing it.
        backupname: Option<String>,
        /// A link to a directory will do.
        allow_symlink: bool = true,
        /// Set only what is below, not the directory itself.
        children_only: bool = false,
        /// Follow links below; they are left alone otherwise.
        follow_symlinks: bool = false,
        /// Remove what is in it and managed by no state of the run.
        clean: bool = false,
        /// What `clean` leaves: a glob, or a regular expression after `E@`.
        exclude_pat: Option<String>
        ;.. others
    }
}

/// See [`Directory`].
pub(super) fn directory(context: &Context<'_>, arguments: Directory) -> Result<Outcome, Failure> {
    let host = context.host();
    let name = match arguments.name.trim_end_matches('/') {
        "" => "/",
        name => name,
    };
    let path = place::absolute(context, name)?;
    let mode = bits(arguments.dir_mode);
    let permissions = Permissions::of(context, arguments.user.as_ref(), arguments.group.as_ref(), mode)?;
    let below = Below::of(&arguments, &permissions)?;
    let mut changes = Map::new();
    let mut found = clear(context, &arguments, name, &path, &mut changes)?;
    if found.is_some() && !place::is_directory(host, &path)? {
        return Err(in_the_way(name, "file"));
    }
    if found.is_none() {
        place::guard(host, &path)?;
        let parent = path.parent().unwrap_or(&path);
        if !place::is_directory(host, parent)? {
            if !arguments.makedirs {
                return Err(place::no_parent(format!("No directory to create {name} in"), parent));
            }
            place::make_directories(host, parent, &permissions.attributes())?;
        }
        host.create_directory(&path, &permissions.attributes())?;
        let new: Map = [("directory", "new")].into_iter().collect();
        changes.insert(name, new);
    } else {
        let (real, metadata) = place::follow(host, &path)?;
        found = metadata;
        if let Some(metadata) = &found
            && !arguments.children_only
            && !permissions.differences(metadata).is_empty()
        {
            place::guard(host, &real)?;
            changes.insert(name, permissions.enforce(host, &real, metadata)?);
        }
        if let Some(below) = &below {
            let mut silent = Map::new();
            let into = if below.silent { &mut silent } else { &mut changes };
            below.walk(host, &real, 1, into)?;
            if !silent.is_empty() {
                changes.insert("recursion", "Changes silenced");
            }
        }
    }
    if arguments.clean {
        let removed = super::clean::clean(context, &path, &[], arguments.exclude_pat.as_deref())?;
        if !removed.is_empty() {
            changes.insert("removed", removed);
        }
    }
    if changes.is_empty() {
        return Ok(Outcome::unchanged(format!("The directory {name} is in the correct state")));
    }
    let done = if arguments.children_only {
        format!("Directory {name}/* updated")
    } else if found.is_none() {
        String::new()
    } else {
        format!("Directory {name} updated")
    };
    Ok(Outcome::changed(context.words(done, planned(&changes)), changes))
}

/// Takes away what stands in the place of a directory, where that is wished for.
fn clear(
    context: &Context<'_>,
    arguments: &Directory,
    name: &str,
    path: &Path,
    changes: &mut Map,
) -> Result<Option<host::Metadata>, Failure> {
    let host = context.host();
    let Some(found) = host.link_metadata(path)? else { return Ok(None) };
    let leads = place::is_directory(host, path)?;
    let kind = match found.kind {
        FileKind::Directory => return Ok(Some(found)),
        FileKind::Symlink if leads && arguments.allow_symlink && !arguments.force => return Ok(Some(found)),
        FileKind::Symlink => "symlink",
        _ => "file",
    };
    if let Some(backup) = &arguments.backupname {
        let backup = place::lexical(path.parent().unwrap_or(path), Path::new(backup));
        if host.link_metadata(&backup)?.is_some() {
            if !arguments.force {
                let what = format!("File exists where the backup target {} should go", backup.display());
                return Err(Failure::message(what)
                    .hint("move the old backup away, choose another `backupname`, or add `- force: True`")
                    .blames("backupname"));
            }
            place::remove(host, &backup)?;
        }
        place::guard(host, path)?;
        host.rename(path, &backup)?;
        return Ok(None);
    }
    if !arguments.force {
        return Err(in_the_way(name, kind));
    }
    place::guard(host, path)?;
    host.remove_file(path)?;
    let kind = if kind == "file" { "File" } else { "Symlink" };
    changes.insert("forced", format!("{kind} was forcibly replaced"));
    Ok(None)
}

fn in_the_way(name: &str, kind: &str) -> Failure {
    Failure::message(format!("Specified location {name} exists and is a {kind}"))
        .hint("add `- force: True` to remove it, or `- backupname: NAME` to keep it beside the directory")
        .blames("name")
}

/// What a recursion sets.
struct Below {
    files: Option<Permissions>,
    directories: Option<Permissions>,
    silent: bool,
    depth: usize,
}

impl Below {
    fn of(arguments: &Directory, permissions: &Permissions) -> Result<Option<Self>, Failure> {
        const KNOWN: [&str; 6] = ["user", "group", "mode", "ignore_files", "ignore_dirs", "silent"];
        let asked = |what: &str| arguments.recurse.iter().any(|item| item == what);
        if arguments.recurse.is_empty() {
            return Ok(None);
        }
        if arguments.recurse.iter().any(|item| !KNOWN.contains(&item.as_str())) {
            let known = KNOWN.map(|item| format!("\"{item}\"")).join(", ");
            let unknown = arguments.recurse.iter().find(|item| !KNOWN.contains(&item.as_str()));
            let near = unknown.and_then(|word| report::suggest(word, KNOWN));
            let hint = near.map_or("write for example `- recurse: [user, group, mode]`".into(), |near| {
                format!("did you mean `{near}`?")
            });
            return Err(Failure::message(format!("Types for \"recurse\" limited to {known}."))
                .hint(hint)
                .blames("recurse"));
        }
        if asked("ignore_files") && asked("ignore_dirs") {
            return Err(Failure::message(
                "Must not specify \"recurse\" options \"ignore_files\" and \"ignore_dirs\" at the same time.",
            )
            .hint("keep one: both together reach nothing")
            .blames("recurse"));
        }
        for (what, given) in [("user", permissions.has_user()), ("group", permissions.has_group())] {
            if asked(what) && !given {
                return Err(Failure::message(format!(
                    "{what} not specified, but configured as a target for recursive ownership management"
                ))
                .hint(format!("add `- {what}: NAME`, or take `{what}` out of `recurse`"))
                .blames("recurse"));
            }
        }
        let reached = permissions.only(asked("user"), asked("group"), asked("mode"));
        let file_mode = bits(arguments.file_mode).or(permissions.mode).filter(|_| asked("mode"));
        Ok(Some(Self {
            files: (!asked("ignore_files")).then(|| reached.with_mode(file_mode)),
            directories: (!asked("ignore_dirs")).then_some(reached),
            silent: asked("silent"),
            depth: arguments.max_depth.and_then(|depth| usize::try_from(depth).ok()).unwrap_or(DEEPEST),
        }))
    }

    fn walk(
        &self,
        host: &dyn Host,
        directory: &Path,
        depth: usize,
        changes: &mut Map,
    ) -> Result<(), Failure> {
        if depth > self.depth.min(DEEPEST) {
            return Ok(());
        }
        for entry in host.list(directory)? {
            let path: PathBuf = directory.join(&entry.name);
            let wanted = if entry.kind == FileKind::Directory { &self.directories } else { &self.files };
            if let Some(wanted) = wanted
                && let Some(found) = host.link_metadata(&path)?
            {
                let set = wanted.enforce(host, &path, &found)?;
                if !set.is_empty() {
                    changes.insert(path.to_string_lossy().as_ref(), set);
                }
            }
            if entry.kind == FileKind::Directory {
                self.walk(host, &path, depth + 1, changes)?;
            }
        }
        Ok(())
    }
}

/// What a plan says of the changes: a line for each.
fn planned(changes: &Map) -> String {
    let mut comment = "The following files will be changed:\n".to_string();
    for (path, change) in changes.iter() {
        for (key, value) in change.as_map().into_iter().flat_map(Map::iter) {
            comment.push_str(&format!("{path}: {key} - {value}\n"));
        }
        if let Some(items) = change.as_list() {
            for item in items {
                comment.push_str(&format!("{path}: {item}\n"));
            }
        }
        if change.as_str().is_some() {
            comment.push_str(&format!("{path}: {}\n", Value::to_string(change)));
        }
    }
    comment
}
