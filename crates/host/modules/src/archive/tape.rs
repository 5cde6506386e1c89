//! What is in a tar archive, checked.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use crate::Failure;

/// More than this is not unpacked: archives can be made to swell.
const MOST_BYTES: u64 = 2 << 30;
/// More entries than this are not read.
const MOST_ENTRIES: usize = 200_000;

/// One entry, in the archive's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path, relative, without `.` and `..`.
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) kind: Kind,
    /// Permission bits, without set-user-id and its kin.
    pub(super) mode: u32,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File(Vec<u8>),
    Symlink(PathBuf),
}

/// Reads an archive. `strip` leading parts are taken off every path.
pub(super) fn read(bytes: &[u8], strip: usize) -> Result<Vec<Entry>, Failure> {
    let gzipped = bytes.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn std::io::Read + '_> =
        if gzipped { Box::new(GzDecoder::new(bytes)) } else { Box::new(bytes) };
    let broken = |error: std::io::Error| {
        Failure::message(format!("the archive cannot be read: {error}"))
            .hint("give a tar file, plain or with gzip, and fetch it again if it was cut off: `tar tf FILE` reads it")
    };
    let mut archive = tar::Archive::new(plain.take(MOST_BYTES));
    let mut entries: Vec<Entry> = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if entries.len() >= MOST_ENTRIES {
            return Err(Failure::message(format!("the archive has more than {MOST_ENTRIES} entries"))
                .hint("split it into several archives"));
        }
        let written = entry.path().map_err(broken)?.into_owned();
        let Some(path) = inside(&written, strip)? else { continue };
        let mode = entry.header().mode().map_err(broken)? & 0o777;
        let kind = match entry.header().entry_type() {
            tar::EntryType::Directory => Kind::Directory,
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(broken)?;
                Kind::File(content)
            }
            tar::EntryType::Symlink => {
                let target = entry.link_name().map_err(broken)?.unwrap_or_default().into_owned();
                stays_inside(&path, &target)?;
                Kind::Symlink(target)
            }
            tar::EntryType::Link => {
                let target = entry.link_name().map_err(broken)?.unwrap_or_default().into_owned();
                let target = inside(&target, strip)?.unwrap_or_default();
                let linked =
                    entries.iter().rfind(|entry| entry.path == target).map(|entry| entry.kind.clone());
                linked.ok_or_else(|| {
                    refused(&written, "it is a link to something that does not come before it")
                })?
            }
            tar::EntryType::XGlobalHeader | tar::EntryType::XHeader => continue,
            _ => return Err(refused(&written, "it is a device or pipe")),
        };
        entries.push(Entry { path, kind, mode });
    }
    Ok(entries)
}

/// The path below the folder; `None` when nothing is left of it.
fn inside(written: &Path, strip: usize) -> Result<Option<PathBuf>, Failure> {
    let mut parts = Vec::new();
    for part in written.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            _ => return Err(refused(written, "its path leads out of the folder")),
        }
    }
    let path: PathBuf = parts.into_iter().skip(strip).collect();
    Ok((!path.as_os_str().is_empty()).then_some(path))
}

/// A link may point anywhere inside the folder.
fn stays_inside(path: &Path, target: &Path) -> Result<(), Failure> {
    let mut depth = path.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return Err(refused(path, "it is a link that leads out of the folder")),
        }
    }
    Ok(())
}

fn refused(path: &Path, why: &str) -> Failure {
    Failure::message(format!("the archive's entry {} is refused: {why}", path.display()))
        .hint("pack the archive anew without that entry")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o4755);
            let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
            if is_link {
                header.as_mut_bytes()[157..157 + text.len()].copy_from_slice(text.as_bytes());
            }
            let content = if is_link { "" } else { text };
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn reads_files_links_and_strips() {
        use tar::EntryType::{Directory, Link, Regular, Symlink};
        let bytes = tar_of(&[
            ("d/", Directory, ""),
            ("d/a", Regular, "x"),
            ("d/l", Symlink, "a"),
            ("d/h", Link, "d/a"),
        ]);
        let entries = read(&bytes, 1).unwrap();
        let paths: Vec<_> = entries.iter().map(|entry| entry.path.display().to_string()).collect();
        assert_eq!(paths, ["a", "l", "h"]);
        assert_eq!(entries[2].kind, Kind::File(b"x".to_vec()));
        assert_eq!(entries[0].mode, 0o755);
    }

    #[test]
    fn what_would_escape_is_refused() {
        use tar::EntryType::{Char, Link, Regular, Symlink};
        for entry in [
            ("../a", Regular, "x"),
            ("/a", Regular, "x"),
            ("a/../../b", Regular, "x"),
            ("l", Symlink, "/etc/passwd"),
            ("l", Symlink, "../x"),
            ("h", Link, "/etc/shadow"),
            ("c", Char, ""),
        ] {
            assert!(read(&tar_of(&[entry]), 0).is_err(), "{entry:?}");
        }
    }

    #[test]
    fn garbage_is_no_archive() {
        for bytes in [&b"hello, this is no archive at all"[..], &[0x1f, 0x8b, 0, 1, 2], &[0xff; 700]] {
            assert!(read(bytes, 0).is_err() || read(bytes, 0).is_ok_and(|entries| entries.is_empty()));
        }
    }
}
