//! System packages that tests need, and which suites are left out without them.

use std::path::Path;

use crate::{Failure, process};

/// A Debian package and a file that tells that it is there.
struct Needed {
    package: &'static str,
    /// A program on the path, or an absolute path.
    shows: &'static str,
}

const fn needed(package: &'static str, shows: &'static str) -> Needed {
    Needed { package, shows }
}

/// What the tests call. `cargo` and a linker are there already, or this would not run.
const NEEDED: &[Needed] = &[
    needed("git", "git"),
    needed("cron", "crontab"),
    needed("mmdebstrap", "mmdebstrap"),
    needed("systemd-container", "systemd-nspawn"),
    needed("iproute2", "ip"),
    needed("dbus", "dbus-daemon"),
    needed("util-linux", "setpriv"),
    needed("python3", "python3"),
    needed("chromium", "chromium"),
    needed("xz-utils", "xz"),
    needed("rsyslog", "/usr/sbin/rsyslogd"),
    needed("rsyslog-gnutls", "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so"),
    needed("zip", "zip"),
    needed("unzip", "unzip"),
];

/// Suites that need root, in the words of a person who wonders what was not tested.
const ROOT_SUITES: &[&str] = &[
    "packages, users and services on a Debian root filesystem (mmdebstrap, systemd in a container)",
    "owners of files that other users own",
    "a full disk (a small tmpfs)",
];

/// As root on Debian: installs what is missing. Otherwise says what will be left out.
pub(crate) fn prepare() -> Result<(), Failure> {
    if !nix::unistd::geteuid().is_root() {
        println!("not root: these suites are left out");
        for suite in ROOT_SUITES {
            println!("  - {suite}");
        }
        return Ok(());
    }
    let missing: Vec<_> =
        NEEDED.iter().filter(|needed| !is_there(needed.shows)).map(|needed| needed.package).collect();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    if !process::installed("apt-get") {
        println!("no apt-get here; suites that need these are left out: {}", missing.join(" "));
        return Ok(());
    }
    println!("installing {}", missing.join(" "));
    let apt = |arguments: &[&str]| {
        process::run(process::command("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&install[..], &missing[..]].concat())
}

fn is_there(shows: &str) -> bool {
    if shows.starts_with('/') { Path::new(shows).exists() } else { process::installed(shows) }
}
