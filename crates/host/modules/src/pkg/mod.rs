//! `pkg`: packages of the machine's package manager.
//!
//! # How it works
//! What is installed is read from the package database itself ([`dpkg`]), parsed once for each state of the
//! file; facts that the run has declared lie on top ([`inventory`]). A state compares that with what is
//! [`wanted`] and, if something is missing, asks the package manager for its own simulation: a probe, so a
//! plan lists the dependencies that will come along. The action carries those as effects. What changed is the
//! difference of the inventory before and after ([`transaction`]).
//!
//! # What it never does
//! Guess that a package can be had: an unknown name fails, in a plan too. Only where lists of packages are older
//! than the sources they come from does a plan say *unknown*. It never asks a question: configuration files
//! that a person has edited stay unless `force_conf_new` is given.
//!
//! Package managers differ in [`provider`]: argv to build, output to parse, all pure. [`apt`] is one.

mod apt;
mod debian_version;
mod dpkg;
mod exec;
mod files;
mod hold;
mod installed;
mod inventory;
mod latest;
mod provider;
mod removed;
mod transaction;
mod wanted;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "pkg",
    documentation: "Packages of the machine's package manager.",
    states: &[
        state!("installed", installed::installed, installed::Installed),
        state!("latest", latest::latest, latest::Latest),
        state!("uptodate", latest::uptodate, latest::UpToDate),
        state!("removed", removed::removed, removed::Removed),
        state!("purged", removed::purged, removed::Removed),
        state!("held", hold::held, hold::Held),
        state!("unheld", hold::unheld, hold::Unheld),
    ],
    functions: &[
        execution!("version", exec::version, exec::Version),
        execution!("latest_version", exec::latest_version, exec::LatestVersion),
        execution!("available_version", exec::latest_version, exec::LatestVersion),
        execution!("upgrade_available", exec::upgrade_available, exec::LatestVersion),
        execution!("list_pkgs", exec::list_pkgs, exec::ListPackages),
        execution!("list_upgrades", exec::list_upgrades, exec::ListUpgrades),
        execution!("version_cmp", exec::version_cmp, exec::Compare),
        execution!("install", exec::install, exec::InstallPackages),
        execution!("remove", exec::remove, exec::Remove),
        execution!("purge", exec::purge, exec::Remove),
        execution!("refresh_db", exec::refresh_db, exec::RefreshDatabase),
        execution!("hold", exec::hold, exec::Hold),
        execution!("unhold", exec::unhold, exec::Hold),
        execution!("list_holds", exec::held, exec::Nothing),
        execution!("owner", exec::owner, exec::Owner),
        execution!("file_list", exec::file_list, exec::FileList),
    ],
};
