//! Debian's package manager: apt-get and apt-cache for repositories, dpkg for files and holds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use host::{Command, Output};

use super::debian_version;
use super::provider::{Available, Deed, Provider, Request, Said, Simulation};

/// See the module.
pub(super) struct Apt;

/// How long to wait while another process holds dpkg's lock, in seconds.
const LOCK_WAIT: u32 = 120;

impl Provider for Apt {
    fn compare(&self, left: &str, right: &str) -> Ordering {
        debian_version::compare(left, right)
    }

    fn without_epoch<'a>(&self, version: &'a str) -> &'a str {
        debian_version::without_epoch(version)
    }

    fn refresh(&self) -> Command {
        quiet(["apt-get", "-q", "update"])
    }

    fn query(&self, names: &[String]) -> Command {
        quiet(["apt-cache", "-q", "policy"].map(String::from).into_iter().chain(names.iter().cloned()))
    }

    fn parse_query(&self, text: &str) -> BTreeMap<String, Available> {
        parse_policy(text)
    }

    fn simulate(&self, request: &Request) -> Command {
        quiet(argv(request, true))
    }

    fn parse_simulation(&self, text: &str) -> Simulation {
        parse_simulation(text)
    }

    fn perform(&self, request: &Request) -> Command {
        quiet(argv(request, false))
    }

    fn query_file(&self, content: &[u8]) -> Command {
        let mut command = quiet(["dpkg-deb", "-f", "-", "Package", "Version"]);
        command.stdin = content.to_vec();
        command
    }

    fn parse_query_file(&self, text: &str) -> Option<(String, String)> {
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|it| it.trim().into());
        Some((field("Package:")?, field("Version:")?))
    }

    fn install_files(&self, paths: &[String]) -> Command {
        quiet(["dpkg", "--force-confold", "-i"].map(String::from).into_iter().chain(paths.iter().cloned()))
    }

    fn hold(&self, names: &[String], hold: bool) -> Command {
        let verb = if hold { "hold" } else { "unhold" };
        quiet(["apt-mark", verb].map(String::from).into_iter().chain(names.iter().cloned()))
    }

    fn all_names(&self) -> Command {
        quiet(["apt-cache", "pkgnames"])
    }

    fn unknown_names(&self, output: &Output) -> Vec<String> {
        let text = output.stderr_text();
        text.lines()
            .filter_map(|line| {
                let line = line.strip_prefix("E: ")?;
                line.strip_prefix("Unable to locate package ").or_else(|| {
                    line.strip_prefix("Package '")?.strip_suffix("' has no installation candidate")
                })
            })
            .map(|name| name.trim().to_string())
            .collect()
    }

    fn explain(&self, output: &Output) -> Said {
        explain(output)
    }
}

/// A command that asks no questions and speaks English.
fn quiet<I: IntoIterator<Item = S>, S: Into<String>>(argv: I) -> Command {
    Command::new(argv)
        .variable("DEBIAN_FRONTEND", "noninteractive")
        .variable("APT_LISTCHANGES_FRONTEND", "none")
        .variable("APT_LISTBUGS_FRONTEND", "none")
        .variable("UCF_FORCE_CONFFOLD", "1")
        .variable("LC_ALL", "C.UTF-8")
}

fn argv(request: &Request, simulate: bool) -> Vec<String> {
    let options = &request.options;
    let mut argv: Vec<String> = vec!["apt-get".into()];
    if simulate {
        argv.push("-s".into());
    }
    argv.extend(["-q".into(), "-y".into()]);
    let mut option = |text: &str| argv.extend(["-o".into(), text.into()]);
    if options.force_conf_new {
        option("DPkg::Options::=--force-confnew");
    } else {
        option("DPkg::Options::=--force-confold");
    }
    option("DPkg::Options::=--force-confdef");
    option(&format!("DPkg::Lock::Timeout={LOCK_WAIT}"));
    if let Some(recommends) = options.recommends {
        argv.push(if recommends { "--install-recommends" } else { "--no-install-recommends" }.into());
    }
    for (wanted, flag) in [
        (options.reinstall, "--reinstall"),
        (options.only_upgrade, "--only-upgrade"),
        (options.skip_verify, "--allow-unauthenticated"),
        (options.update_holds, "--allow-change-held-packages"),
        (request.packages.iter().any(|(_, version)| version.is_some()), "--allow-downgrades"),
    ] {
        if wanted {
            argv.push(flag.into());
        }
    }
    if let Some(release) = &options.fromrepo {
        argv.extend(["-t".into(), release.clone()]);
    }
    argv.push(
        match request.deed {
            Deed::Install => "install",
            Deed::Remove => "remove",
            Deed::Purge => "purge",
            Deed::Upgrade { dist: false } => "upgrade",
            Deed::Upgrade { dist: true } => "dist-upgrade",
        }
        .into(),
    );
    if !request.packages.is_empty() {
        argv.push("--".into());
    }
    argv.extend(request.packages.iter().map(|(name, version)| match version {
        Some(version) => format!("{name}={version}"),
        None => name.clone(),
    }));
    argv
}

/// `apt-cache policy`: a paragraph a package, `name:` at the margin.
fn parse_policy(text: &str) -> BTreeMap<String, Available> {
    let mut packages = BTreeMap::new();
    let mut name = String::new();
    let mut in_table = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            name = heading.to_string();
            in_table = false;
            packages.insert(name.clone(), Available::default());
            continue;
        }
        let Some(package) = packages.get_mut(&name) else { continue };
        let known = |version: &str| Some(version.trim().to_string()).filter(|version| version != "(none)");
        if let Some(version) = line.strip_prefix("  Installed:") {
            package.installed = known(version);
        } else if let Some(version) = line.strip_prefix("  Candidate:") {
            package.candidate = known(version);
        } else if line.starts_with("  Version table:") {
            in_table = true;
        } else if in_table && let Some(version) = version_line(line) {
            package.versions.push(version.to_string());
        }
    }
    packages
}

/// ` *** 2.10-3 500` or `     2.10-3 500`; lines of sources are indented further.
fn version_line(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(" *** ").or_else(|| line.strip_prefix("     "))?;
    rest.split(' ').next().filter(|version| !version.is_empty())
}

/// `Inst name [old] (new Source [architecture])`, `Remv name [old]`, `Purg name [old]`.
fn parse_simulation(text: &str) -> Simulation {
    let mut simulation = Simulation::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(deed), Some(name)) = (words.next(), words.next()) else { continue };
        match deed {
            "Inst" => {
                let version = words.find_map(|word| word.strip_prefix('('));
                if let Some(version) = version {
                    simulation.installs.push((name.into(), version.trim_end_matches(')').into()));
                }
            }
            "Remv" => simulation.removes.push((name.into(), false)),
            "Purg" => simulation.removes.push((name.into(), true)),
            _ => {}
        }
    }
    simulation
}

/// The last lines that say something, and advice where the cause is plain.
fn explain(output: &Output) -> Said {
    const LINES: usize = 8;
    let stderr = output.stderr_text();
    let stdout = output.stdout_text();
    let errors: Vec<&str> = stderr.lines().filter(|line| is_telling(line)).collect();
    let lines =
        if errors.is_empty() { stdout.lines().filter(|line| is_telling(line)).collect() } else { errors };
    let mut words = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n");
    if words.is_empty() {
        words = format!("exit code {}", output.code);
    }
    let everything = format!("{stdout}\n{stderr}");
    let known = ADVICE.iter().find_map(|(sign, advice)| everything.contains(sign).then_some(*advice));
    Said { words, advice: known.unwrap_or("those are apt's own words: `apt-get check` finds what is broken") }
}

fn is_telling(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty()
        && !line.starts_with("WARNING: apt does not have a stable CLI")
        && !line.starts_with("Reading ")
        && !line.starts_with("Building ")
        && !line.starts_with("debconf: ")
}

/// Signs of a cause, the surest first, with what to do about it.
const ADVICE: &[(&str, &str)] = &[
    ("dpkg was interrupted", "a run of dpkg was cut off: run `dpkg --configure -a`, then try again"),
    ("Could not get lock", "another package manager is at work: wait until it is done and try again"),
    ("Unmet dependencies", "packages are half installed: run `apt-get --fix-broken install`, then try again"),
    ("Temporary failure resolving", "there is no network, or no name server answers"),
    ("Could not connect to", "the repository cannot be reached: look at the network and the proxy"),
    (
        "Failed to fetch",
        "the list of packages may be old: run `apt-get update` (refresh: True), then try again",
    ),
    ("NO_PUBKEY", "the repository's signing key is missing: add it beneath /etc/apt/keyrings"),
    ("No space left on device", "the disk is full: free some space and try again"),
    ("Unable to locate package", "the list of packages may be old: run `apt-get update` (refresh: True)"),
    ("has no installation candidate", "no repository offers it: look at /etc/apt/sources.list"),
    ("held packages were changed", "the package is held: set update_holds: True, or unhold it first"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkg::provider::Options;

    #[test]
    fn reads_policies() {
        let text = "hello:\n  Installed: (none)\n  Candidate: 2.10-3\n  Version table:\n     2.10-3 500\n        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n     2.10-2 500\n        500 http://x y\n\
            bash:\n  Installed: 5.2.15-2+b7\n  Candidate: 5.2.15-2+b7\n  Version table:\n *** 5.2.15-2+b7 500\n        100 /var/lib/dpkg/status\n\
            mail-transport-agent:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        let packages = parse_policy(text);
        assert_eq!(packages["hello"].versions, ["2.10-3", "2.10-2"]);
        assert_eq!(packages["hello"].candidate.as_deref(), Some("2.10-3"));
        assert_eq!(packages["bash"].versions, ["5.2.15-2+b7"]);
        assert_eq!(packages["mail-transport-agent"], Available::default());
    }

    #[test]
    fn reads_simulations() {
        let text = "NOTE: This is only a simulation!\nReading package lists...\nRemv nano [7.2-1]\nPurg vim [2:9]\n\
            Inst hello (2.10-3 Debian:12.5/stable [amd64])\nInst libc6:i386 [2.36-8] (2.36-9 Debian:12.5/stable [i386]) []\n\
            Conf hello (2.10-3 Debian:12.5/stable [amd64])\nInst odd\n";
        let simulation = parse_simulation(text);
        assert_eq!(
            simulation.installs,
            [("hello".to_string(), "2.10-3".to_string()), ("libc6:i386".to_string(), "2.36-9".to_string())]
        );
        assert_eq!(simulation.removes, [("nano".to_string(), false), ("vim".to_string(), true)]);
    }

    #[test]
    fn a_name_can_never_be_an_option() {
        let request = Request {
            deed: Deed::Install,
            packages: vec![("-oDPkg::Pre-Invoke::=reboot".into(), None)],
            options: Options::default(),
        };
        let argv = argv(&request, false);
        let dashes = argv.iter().position(|word| word == "--").unwrap();
        assert!(argv.iter().position(|word| word.starts_with("-oDPkg")).unwrap() > dashes);
    }

    #[test]
    fn failures_are_told_with_advice() {
        let output = Output {
            code: 100,
            stderr: b"WARNING: apt does not have a stable CLI interface.\n\nE: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.\n".to_vec(),
            ..Output::default()
        };
        let said = explain(&output);
        assert!(said.words.starts_with("E: dpkg was interrupted"), "{said:?}");
        assert!(said.advice.ends_with("then try again"), "{said:?}");
        assert_eq!(explain(&Output { code: 3, ..Output::default() }).words, "exit code 3");
    }
}
