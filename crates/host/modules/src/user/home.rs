//! Home directories, made and removed through the host's files so that a plan lists them.

use std::path::Path;

use host::{Attributes, FileKind, Host, HostError, Owner};

/// Directories deeper than this below `/etc/skel` are not copied.
const DEEPEST: usize = 16;

/// Makes a home directory: parents as root's, its content from `/etc/skel` when `skeleton` is set.
pub(super) fn create(
    host: &dyn Host,
    home: &Path,
    owner: (u32, u32),
    mode: u32,
    skeleton: bool,
) -> Result<(), HostError> {
    let mut missing = Vec::new();
    for parent in home.ancestors().skip(1) {
        if host.metadata(parent)?.is_some() {
            break;
        }
        missing.push(parent);
    }
    let open = Attributes { mode: Some(0o755), user: Some(Owner::Id(0)), group: Some(Owner::Id(0)) };
    for parent in missing.into_iter().rev() {
        host.create_directory(parent, &open)?;
    }
    host.create_directory(home, &owned(owner, mode))?;
    let skel = Path::new("/etc/skel");
    if skeleton && host.metadata(skel)?.is_some_and(|skel| skel.kind == FileKind::Directory) {
        copy(host, skel, home, owner, DEEPEST)?;
    }
    Ok(())
}

fn copy(host: &dyn Host, from: &Path, to: &Path, owner: (u32, u32), depth: usize) -> Result<(), HostError> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    for entry in host.list(from)? {
        let (source, target) = (from.join(&entry.name), to.join(&entry.name));
        let Some(metadata) = host.link_metadata(&source)? else { continue };
        match entry.kind {
            FileKind::File => host.write(&target, &host.read(&source)?, &owned(owner, metadata.mode))?,
            FileKind::Directory => {
                host.create_directory(&target, &owned(owner, metadata.mode))?;
                copy(host, &source, &target, owner, depth)?;
            }
            FileKind::Symlink => {
                host.create_symlink(&host.read_link(&source)?, &target)?;
                host.set_owner(&target, Some(&Owner::Id(owner.0)), Some(&Owner::Id(owner.1)))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn owned((user, group): (u32, u32), mode: u32) -> Attributes {
    Attributes { mode: Some(mode), user: Some(Owner::Id(user)), group: Some(Owner::Id(group)) }
}

/// Removes a home directory, as `userdel -r` would: only one that belongs to the user, and no directory of the
/// system's own (less than two levels deep, `/root` aside).
pub(super) fn remove(host: &dyn Host, home: &Path, uid: u32) -> Result<(), HostError> {
    let Some(metadata) = host.link_metadata(home)? else { return Ok(()) };
    let deep = home.components().count() > 2;
    if metadata.kind == FileKind::Directory && metadata.user == Owner::Id(uid) && deep {
        host.remove_directory(home)?;
    }
    Ok(())
}
