//! What cargo knows about the workspace.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Failure, process};

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the repository.
    pub(crate) folder: PathBuf,
    /// Direct dependencies of every kind, by name.
    pub(crate) dependencies: Vec<String>,
}

impl Package {
    /// The storey it lives on: `tree` for `crates/tree/jinja`. `None` outside `crates`.
    pub(crate) fn storey(&self) -> Option<&str> {
        let mut parts = self.folder.components().map(|part| part.as_os_str());
        (parts.next()? == "crates").then(|| parts.next()?.to_str())?
    }
}

/// All crates of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, Failure> {
    let text = process::output(&mut process::cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let root =
        PathBuf::from(metadata["workspace_root"].as_str().ok_or("cargo metadata names no workspace root")?);
    let list = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    list.iter().map(|package| read(package, &root)).collect()
}

fn read(package: &Value, root: &Path) -> Result<Package, Failure> {
    let text = |key: &str| package[key].as_str().ok_or(format!("a package without `{key}`"));
    let manifest = PathBuf::from(text("manifest_path")?);
    let folder = manifest.parent().unwrap_or(&manifest);
    let dependencies = package["dependencies"].as_array().ok_or("a package without dependencies")?;
    Ok(Package {
        name: text("name")?.to_string(),
        folder: folder.strip_prefix(root)?.to_path_buf(),
        dependencies: dependencies.iter().filter_map(|d| d["name"].as_str()).map(str::to_string).collect(),
    })
}
