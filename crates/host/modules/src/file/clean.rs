//! `clean`: taking away what nothing declares.

use std::path::{Path, PathBuf};

use host::FileKind;

use super::recurse::Sieve;
use crate::{Context, Failure};

/// Removes everything below `root` that is not in `kept`, leads to none of it, is managed by no other state of
/// the run, and does not fit `exclude` (by its path below the root). Answers the paths that went, sorted.
///
/// Salt keeps only what states that `require` this one manage; here every path that the run manages stays.
pub(super) fn clean(
    context: &Context<'_>,
    root: &Path,
    kept: &[PathBuf],
    exclude: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let exclude = exclude.map(Sieve::new).transpose()?;
    let mut removed = Vec::new();
    let keeps = |path: &Path| kept.iter().any(|kept| kept.starts_with(path)) || context.minion.manages(path);
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in context.host().list(&folder)? {
            let path = folder.join(&entry.name);
            let inside = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if exclude.as_ref().is_some_and(|sieve| sieve.fits(&inside)) {
                continue;
            }
            let is_folder = entry.kind == FileKind::Directory;
            // Something excluded may lie deeper, so a folder goes only when it is certain that all of it does.
            if keeps(&path) || (is_folder && exclude.is_some()) {
                if is_folder {
                    folders.push(path);
                }
            } else if is_folder {
                context.host().remove_directory(&path)?;
                removed.push(path.display().to_string());
            } else {
                context.host().remove_file(&path)?;
                removed.push(path.display().to_string());
            }
        }
    }
    removed.sort();
    Ok(removed)
}
