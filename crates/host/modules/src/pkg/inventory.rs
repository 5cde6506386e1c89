//! What is installed: the package database, with what the run has declared since on top.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use host::{Effect, Fact, Host, HostError, Subject};
use value::{Map, Value};

use super::dpkg::{self, Database};

/// The kind of a package's fact: `{version, state: installed | config-files, held}`.
pub(super) const KIND: &str = "package";

/// How it is with one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// Its version.
    pub version: String,
    /// Whether it is there; otherwise only its configuration is.
    pub installed: bool,
    /// Whether it is kept at its version.
    pub held: bool,
}

/// All packages.
pub(super) struct Inventory {
    database: Arc<Database>,
    declared: BTreeMap<String, Fact>,
}

impl Inventory {
    /// Reads it.
    pub(super) fn of(host: &dyn Host) -> Result<Self, HostError> {
        Ok(Self { database: dpkg::database(host)?, declared: host.facts(KIND).into_iter().collect() })
    }

    /// One package; `None` when nothing of it is there.
    pub(super) fn package(&self, name: &str) -> Result<Option<Package>, HostError> {
        let name = self.database.normalized(name);
        match self.declared.get(name) {
            Some(Fact::Absent) => return Ok(None),
            Some(Fact::Unknown) => {
                return Err(HostError::Unknown {
                    what: format!("whether package {name} is installed"),
                    because: "an earlier step".into(),
                });
            }
            Some(Fact::Present(value)) => return Ok(Some(declared(value))),
            None => {}
        }
        Ok(self.database.packages.get(name).and_then(|record| {
            let installed = record.is_installed();
            (installed || record.status == "config-files").then(|| Package {
                version: record.version.clone(),
                installed,
                held: record.wanted == "hold",
            })
        }))
    }

    /// The version of an installed package.
    pub(super) fn version(&self, name: &str) -> Result<Option<String>, HostError> {
        Ok(self.package(name)?.filter(|package| package.installed).map(|package| package.version))
    }

    /// Whether an installed package provides this name.
    pub(super) fn is_provided(&self, name: &str) -> bool {
        self.database.provided.get(name).is_some_and(|by| {
            by.iter().any(|provider| matches!(self.package(provider), Ok(Some(package)) if package.installed))
        })
    }

    /// A name as packages are filed under it.
    pub(super) fn normalized(&self, name: &str) -> String {
        self.database.normalized(name).to_string()
    }

    /// Packages that are there (or, with `removed`, those of which only configuration is), with versions.
    pub(super) fn list(&self, removed: bool) -> BTreeMap<String, String> {
        let names: BTreeSet<&String> = self.database.packages.keys().chain(self.declared.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let package = self.package(name).ok()??;
                (package.installed != removed).then(|| (name.clone(), package.version))
            })
            .collect()
    }

    /// Names of packages that are held.
    pub(super) fn held(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.database.packages.keys().chain(self.declared.keys()).collect();
        let held = |name: &&String| matches!(self.package(name), Ok(Some(package)) if package.held);
        names.into_iter().filter(held).cloned().collect()
    }

    /// Whether configuration stays when a package is removed: it has files that a person may have edited,
    /// or a script that clears up when it is purged.
    fn leaves_configuration(&self, host: &dyn Host, name: &str) -> Result<bool, HostError> {
        let record = self.database.packages.get(name);
        if record.is_some_and(|record| record.has_configuration) {
            return Ok(true);
        }
        let Some(record) = record else { return Ok(false) };
        for file in [format!("{name}.postrm"), format!("{name}:{}.postrm", record.architecture)] {
            if host.metadata(&Path::new("/var/lib/dpkg/info").join(file))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The effect of installing a version.
    pub(super) fn installs(&self, name: &str, version: &str) -> Result<Effect, HostError> {
        let before = self.package(name)?;
        let held = before.as_ref().is_some_and(|package| package.held);
        Ok(self.effect(name, before, Some(Package { version: version.into(), installed: true, held })))
    }

    /// The effect of removing; with `purge` nothing stays.
    pub(super) fn removes(&self, host: &dyn Host, name: &str, purge: bool) -> Result<Effect, HostError> {
        let name = self.normalized(name);
        let before = self.package(&name)?;
        let stays = !purge && self.leaves_configuration(host, &name)?;
        let after = before.clone().filter(|_| stays).map(|package| Package {
            installed: false,
            held: false,
            ..package
        });
        Ok(self.effect(&name, before, after))
    }

    /// The effect of holding, or letting go.
    pub(super) fn holds(&self, name: &str, held: bool) -> Result<Effect, HostError> {
        let before = self.package(name)?;
        let after = before.clone().map(|package| Package { held, ..package });
        Ok(self.effect(name, before, after))
    }

    fn effect(&self, name: &str, before: Option<Package>, after: Option<Package>) -> Effect {
        Effect {
            subject: Subject::new(KIND, self.normalized(name)),
            before: fact(before),
            after: fact(after),
        }
    }
}

fn fact(package: Option<Package>) -> Fact {
    let Some(package) = package else { return Fact::Absent };
    let mut map: Map = [("version", package.version)].into_iter().collect();
    if !package.installed {
        map.insert("state", "config-files");
    }
    if package.held {
        map.insert("held", true);
    }
    Fact::Present(map.into())
}

fn declared(value: &Value) -> Package {
    let text = |key: &str| value.get(key).map(ToString::to_string).unwrap_or_default();
    Package {
        version: text("version"),
        installed: text("state") != "config-files",
        held: value.get("held").is_some_and(Value::is_truthy),
    }
}

/// What came, went or changed between two lists, as Salt writes it: `{name: {old, new}}`.
pub(super) fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Map {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (name.as_str(), change(before.get(name), after.get(name))))
        .collect()
}

/// One `{old, new}`; nothing is empty text.
pub(super) fn change(old: Option<&String>, new: Option<&String>) -> Map {
    let text = |version: Option<&String>| version.map_or("", String::as_str).to_string();
    [("new", text(new)), ("old", text(old))].into_iter().collect()
}
