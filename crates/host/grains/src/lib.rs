//! Grains: what this machine is, under the names and in the shapes that Salt's minions report.
//!
//! # How it works
//! Everything is read from files (`/etc/os-release`, `/proc`, `/sys`) through the host; no program is run, so
//! that collecting takes about a millisecond and a plan reads the same as a run. Each subject has a file with
//! pure parsers; [`collect`] puts them together.
//!
//! Two hosts are asked. The *tree* is what is converged: its `/etc` says which distribution it is. The *machine*
//! is what it runs on: kernel, processors, memory, network. Without `--root` they are the same; with it, a tree
//! that says nothing about itself (an empty folder) is taken to become what the machine is.
//!
//! # What it promises
//! A file that is missing or odd leaves its grains out; nothing here fails.
//!
//! # What it never does
//! Ask the network (names of this host are those in its files), run a program, guess a role.

mod hardware;
mod identity;
mod network;
mod release;
mod software;
mod timezone;

use std::path::Path;

use host::{FileKind, Host};
use value::{Map, Value};

/// The version of Salt whose behaviour Pinch has, as trees ask for it.
pub const SALT_VERSION: &str = "3007.8";

/// All grains. `id` is the minion's id, `configured` what the configuration says under `grains:` (it wins),
/// as does `/etc/salt/grains` when the caller has read it into `configured`.
pub fn collect(machine: &dyn Host, tree: &dyn Host, id: &str, configured: &Map) -> Map {
    let mut grains = Map::new();
    let mut add = |map: Map| {
        for (key, entry) in map {
            grains.insert(key, entry.value);
        }
    };
    let describes_itself =
        text(tree, "/etc/os-release").is_some() || text(tree, "/usr/lib/os-release").is_some();
    add(release::grains(if describes_itself { tree } else { machine }));
    add(hardware::grains(machine));
    add(network::grains(machine));
    add(identity::grains(machine, id));
    add(software::grains(if describes_itself { tree } else { machine }));
    add(salt());
    add(configured.clone());
    grains
}

fn salt() -> Map {
    let parts: Vec<i64> = SALT_VERSION.split('.').filter_map(|part| part.parse().ok()).collect();
    let mut grains = Map::new();
    grains.insert("saltversion", SALT_VERSION);
    grains.insert("saltversioninfo", parts);
    grains
}

/// A file's text; `None` when it is missing, unreadable or no UTF-8.
fn text(host: &dyn Host, path: &str) -> Option<String> {
    String::from_utf8(host.read(Path::new(path)).ok()?.to_vec()).ok()
}

/// A file's text without white space at its ends; `None` when nothing is left.
fn line(host: &dyn Host, path: &str) -> Option<String> {
    text(host, path).map(|text| text.trim().to_string()).filter(|text| !text.is_empty())
}

/// The names in a directory; none when it is missing.
fn names(host: &dyn Host, path: &str) -> Vec<String> {
    host.list(Path::new(path)).unwrap_or_default().into_iter().map(|entry| entry.name).collect()
}

fn is_there(host: &dyn Host, path: &str) -> bool {
    host.metadata(Path::new(path)).is_ok_and(|found| found.is_some())
}

fn is_directory(host: &dyn Host, path: &str) -> bool {
    host.metadata(Path::new(path))
        .is_ok_and(|found| found.is_some_and(|found| found.kind == FileKind::Directory))
}

/// `key: value` or `key=value` lines as pairs, trimmed.
fn pairs(text: &str, separator: char) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter_map(move |line| line.split_once(separator))
        .map(|(key, value)| (key.trim(), value.trim()))
}

fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    items.into_iter().map(Into::into).collect()
}
