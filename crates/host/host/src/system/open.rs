//! From a path to a descriptor, never leaving the root.
//!
//! The kernel itself resolves links and `..` as if the root were `/` (`openat2` with `RESOLVE_IN_ROOT`). Kernels
//! before 5.6, and sandboxes that do not know the call, get a walk that opens part after part without following
//! a link by itself, and reads the link's text instead. It keeps the descriptors of the directories it went
//! through, so `..` goes back the way it came and never above the root.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::layered::MOST_LINKS;

/// Opens `path` with `root` as `/`.
pub(super) fn open_inside(root: &Path, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, root, DIRECTORY, Mode::empty())?;
    match open_by_kernel(root.as_fd(), path, flags) {
        Err(Errno::NOSYS | Errno::PERM) => open_by_walking(root.as_fd(), path, flags),
        other => other,
    }
}

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn open_by_kernel(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // A rename elsewhere in the tree can make the kernel ask for another try.
    for _ in 0..32 {
        match rustix::fs::openat2(root, inside, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

fn open_by_walking(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let look = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut way: Vec<OwnedFd> = Vec::new();
    let mut todo = parts(path);
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == ".." {
            way.pop();
            continue;
        }
        let here = way.last().map_or(root, |directory| directory.as_fd());
        let last = todo.is_empty();
        let next = rustix::fs::openat(here, &part, look, Mode::empty())?;
        match FileType::from_raw_mode(rustix::fs::fstat(&next)?.st_mode) {
            FileType::Symlink if !last || !flags.contains(OFlags::NOFOLLOW) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::LOOP);
                }
                let target = rustix::fs::readlinkat(&next, "", Vec::new())?;
                let target = Path::new(OsStr::from_bytes(target.as_bytes()));
                if target.is_absolute() {
                    way.clear();
                }
                todo.extend(parts(target));
            }
            // Opened once more by its name, and again no link is followed that may have come there since.
            _ if last => return rustix::fs::openat(here, &part, flags | OFlags::NOFOLLOW, Mode::empty()),
            FileType::Directory => way.push(next),
            _ => return Err(Errno::NOTDIR),
        }
    }
    rustix::fs::openat(way.last().map_or(root, |directory| directory.as_fd()), ".", flags, Mode::empty())
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the tree under test is made without the code under test")]
    fn the_walk_finds_what_the_kernel_finds() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("root/a/b")).unwrap();
        for file in ["root/a/b/file", "root/file", "file"] {
            std::fs::write(at(file), file).unwrap();
        }
        let links = [
            ("/a/b", "root/absolute"),
            ("../../file", "root/a/b/up"),
            ("../../../../file", "root/a/b/above"),
            ("absolute/up", "root/twice"),
            ("round", "root/round"),
            ("nowhere", "root/dangling"),
            ("..", "root/a/b/parent"),
        ];
        for (target, link) in links {
            symlink(target, at(link)).unwrap();
        }
        let root = rustix::fs::openat(CWD, at("root"), DIRECTORY, Mode::empty()).unwrap();
        let found = |opened: Result<OwnedFd, Errno>| {
            opened.and_then(rustix::fs::fstat).map(|stat| (stat.st_dev, stat.st_ino))
        };
        let paths = [
            "/",
            "/file",
            "/../file",
            "/a/../../file",
            "/absolute",
            "/absolute/file",
            "/a/b/up",
            "/a/b/above",
            "/twice",
            "/round",
            "/dangling",
            "/dangling/x",
            "/file/x",
            "/a/b/parent/b/file",
            "/none",
            "/a/b/parent/..",
        ];
        for path in paths {
            for flags in [OFlags::PATH, OFlags::PATH | OFlags::NOFOLLOW] {
                let by_kernel = found(open_by_kernel(root.as_fd(), Path::new(path), flags));
                if by_kernel == Err(Errno::NOSYS) {
                    return;
                }
                let walked = found(open_by_walking(root.as_fd(), Path::new(path), flags));
                assert_eq!(walked, by_kernel, "{path} {flags:?}");
            }
        }
    }
}
