//! `cp`: files of the state tree.

use value::Value;

use crate::{Context, Failure, Module};

arguments! {
    /// What a saltenv of the tree holds.
    pub(crate) struct Listing {
        /// The saltenv.
        saltenv: String = "base",
        /// Only paths that begin so.
        prefix: String = "",
    }
}

arguments! {
    /// The content of a file of the tree as text; false when it is not there.
    pub(crate) struct FileText {
        /// `salt://path`.
        path: String,
    }
}

/// All files.
fn list_master(context: &Context<'_>, asked: Listing) -> Result<Vec<String>, Failure> {
    let files = context.minion.tree.list(&asked.saltenv)?;
    Ok(files.iter().filter(|file| file.starts_with(&asked.prefix)).cloned().collect())
}

/// All folders.
fn list_master_dirs(context: &Context<'_>, asked: Listing) -> Result<Vec<String>, Failure> {
    let folders = context.minion.tree.list_dirs(&asked.saltenv)?;
    Ok(folders.iter().filter(|folder| folder.starts_with(&asked.prefix)).cloned().collect())
}

/// The dotted names of all SLS files.
fn list_states(context: &Context<'_>, asked: Listing) -> Result<Vec<String>, Failure> {
    let files = context.minion.tree.list(&asked.saltenv)?;
    let name = |file: &String| {
        let name = file.strip_suffix(".sls")?;
        Some(name.strip_suffix("/init").unwrap_or(name).replace('/', "."))
    };
    let mut names: Vec<String> = files.iter().filter_map(name).collect();
    names.sort();
    Ok(names)
}

/// See [`FileText`].
fn get_file_str(context: &Context<'_>, asked: FileText) -> Result<Value, Failure> {
    let path = asked.path.strip_prefix("salt://").unwrap_or(&asked.path);
    let content = context.minion.tree.read(context.saltenv, path)?;
    Ok(content.map_or(false.into(), |content| String::from_utf8_lossy(&content).into_owned().into()))
}

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "cp",
    documentation: "Files of the state tree.",
    states: &[],
    functions: &[
        execution!("list_master", list_master, Listing),
        execution!("list_master_dirs", list_master_dirs, Listing),
        execution!("list_states", list_states, Listing),
        execution!("get_file_str", get_file_str, FileText),
    ],
};
