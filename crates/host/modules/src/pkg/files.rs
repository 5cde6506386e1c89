//! `pkg.installed` with `sources`: package files that lie on the machine or in the state tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::{Action, Attributes};

use super::installed::Installed;
use super::inventory::Inventory;
use super::provider::provider;
use super::transaction::act;
use crate::{Context, Failure, Names, Outcome};

/// Where files of the tree are put before they are installed.
const CACHE: &str = "/var/cache/pinch/packages";

/// See [`Installed`].
pub(super) fn installed(
    context: &Context<'_>,
    arguments: &Installed,
    sources: &Names,
) -> Result<Outcome, Failure> {
    let host = context.host();
    let provider = provider(context)?;
    let inventory = Inventory::of(host)?;
    let mut targets = Vec::new();
    let mut present = Vec::new();
    for (name, address) in sources {
        let Some(address) = address else {
            return Ok(Outcome::failed(
                "Invalidly formatted 'sources' parameter: every source is `name: path`",
            )
            .hint(format!("write `- {name}: salt://{name}.deb` below `sources`"))
            .blames("sources"));
        };
        let file = PackageFile::read(context, address)?;
        let output = host.probe(&provider.query_file(&file.content))?;
        let Some((package, version)) = provider.parse_query_file(&output.stdout_text()) else {
            let said = provider.explain(&output).words;
            return Ok(Outcome::failed(format!("{address} is no package: {said}"))
                .hint("give a package file: `dpkg-deb --info FILE` reads it")
                .blames("sources"));
        };
        if package != *name {
            return Ok(Outcome::failed(format!("{address} holds the package {package}, not {name}"))
                .hint(format!("write `- {package}: {address}`"))
                .blames("sources"));
        }
        if inventory.version(name)?.as_ref() == Some(&version) && !arguments.reinstall {
            present.push(name.clone());
        } else {
            targets.push((name.clone(), version, file));
        }
    }
    if targets.is_empty() {
        return Ok(Outcome::unchanged("All specified packages are already installed"));
    }
    let mut effects = Vec::new();
    let mut paths = Vec::new();
    for (name, version, file) in &targets {
        effects.push(inventory.installs(name, version)?);
        paths.push(file.place(context, name, version)?);
    }
    let done = act(host, provider, &inventory, &Action::new(provider.install_files(&paths), effects))?;
    let names: Vec<&str> = targets.iter().map(|(name, ..)| name.as_str()).collect();
    let summary = names.join(", ");
    if let Some(said) = done.error {
        let failed = said.outcome("An error was encountered while installing package(s): ");
        return Ok(Outcome { changes: done.changes, ..failed });
    }
    let mut comment = context.words(
        format!("The following packages were installed/updated: {summary}"),
        format!("The following packages would be installed/updated: {summary}"),
    );
    if !present.is_empty() {
        comment += &format!("\nThe following packages were already installed: {}", present.join(", "));
    }
    Ok(Outcome::changed(comment, done.changes))
}

struct PackageFile {
    content: Arc<[u8]>,
    /// Its path, when it lies on the machine already.
    path: Option<String>,
}

impl PackageFile {
    fn read(context: &Context<'_>, address: &str) -> Result<Self, Failure> {
        if let Some(path) = address.strip_prefix("salt://") {
            let content = context.minion.tree.read(context.saltenv, path)?;
            let content = content.ok_or_else(|| {
                Failure::message(format!("{address}: no such file in the state tree"))
                    .hint("put it there, or correct the path")
                    .blames("sources")
            })?;
            return Ok(Self { content, path: None });
        }
        if !address.starts_with('/') {
            return Err(Failure::message(format!(
                "{address}: a source is a path on the machine or a salt:// address"
            ))
            .hint("put the package file into the state tree and write `salt://…`")
            .blames("sources"));
        }
        let content = context.host().read(Path::new(address))?;
        Ok(Self { content, path: Some(address.to_string()) })
    }

    /// The path from which it can be installed; a file of the tree is written to the cache.
    fn place(&self, context: &Context<'_>, name: &str, version: &str) -> Result<String, Failure> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let host = context.host();
        let mut directory = PathBuf::from("/");
        for part in Path::new(CACHE).components().skip(1) {
            directory.push(part);
            if host.metadata(&directory)?.is_none() {
                host.create_directory(
                    &directory,
                    &Attributes { mode: Some(0o755), ..Attributes::default() },
                )?;
            }
        }
        let safe = |text: &str| text.replace(['/', ':'], "_");
        let path = directory.join(format!("{}_{}.deb", safe(name), safe(version)));
        host.write(&path, &self.content, &Attributes { mode: Some(0o644), ..Attributes::default() })?;
        Ok(path.display().to_string())
    }
}
