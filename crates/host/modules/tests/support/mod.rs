//! Real Debian trees for tests: made once with mmdebstrap and kept, unpacked anew for each test, booted where systemd
//! is needed.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests set a machine up from outside, and say what they skip"
)]
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use host::{Change, Host, Journaled, Overlay, System};
use modules::{Caller, Context, Failure, Minion, Outcome, Template, Templates};
use render::MemoryTree;
use value::{Map, Span};

/// Packages that the trees have besides the smallest set.
const INCLUDED: &str = "systemd,systemd-sysv,dbus,cron,passwd,adduser";

/// A Debian tree of its own; gone when dropped.
pub(crate) struct Debian {
    directory: tempfile::TempDir,
}

/// A fresh tree, or `None` with the reason printed where there can be none.
pub(crate) fn debian() -> Option<Debian> {
    let skip = |why: &str| {
        eprintln!("skipped: {why}");
        None
    };
    if text(Command::new("id").arg("-u")) != "0" {
        return skip("not root");
    }
    let Some(archive) = archive() else {
        return skip("no mmdebstrap, or it could not make a tree (network?)");
    };
    let directory = tempfile::Builder::new().prefix("pinch-debian-").tempdir().ok()?;
    let unpacked = Command::new("tar")
        .args(["-xpf", archive.to_str()?, "--numeric-owner", "--exclude=./dev/*", "-C"])
        .arg(directory.path())
        .status()
        .is_ok_and(|status| status.success());
    if unpacked { Some(Debian { directory }) } else { skip("the tree could not be unpacked") }
}

/// The archive, made if it is not there yet.
fn archive() -> Option<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".into());
    let cache = Path::new(&home).join(".cache/pinch-tests");
    let archive = cache.join("bookworm.tar");
    if archive.exists() {
        return Some(archive);
    }
    std::fs::create_dir_all(&cache).ok()?;
    let part = cache.join(format!("bookworm-{}.tar", std::process::id()));
    let made = Command::new("mmdebstrap")
        .args(["--variant=minbase", &format!("--include={INCLUDED}"), "bookworm"])
        .arg(&part)
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        let _ = std::fs::remove_file(&part);
        return None;
    }
    std::fs::rename(&part, &archive).ok()?;
    Some(archive)
}

impl Debian {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The tree as a host.
    pub(crate) fn system(&self) -> Arc<dyn Host> {
        let path =
            ("PATH".to_string(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_string());
        Arc::new(System::rooted(self.path(), vec![path]))
    }

    /// Runs a command inside and answers what it printed.
    pub(crate) fn run(&self, argv: &[&str]) -> String {
        text(Command::new("chroot").arg(self.path()).args(argv))
    }

    /// A repository inside the tree, with packages made on the spot: `(name, version, depends)`. It is the only one.
    pub(crate) fn repository(&self, packages: &[(&str, &str, &str)]) {
        let root = self.path();
        let repository = root.join("srv/repository");
        std::fs::create_dir_all(&repository).unwrap();
        let mut index = String::new();
        for (name, version, depends) in packages {
            let work = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(work.path().join("DEBIAN")).unwrap();
            std::fs::create_dir_all(work.path().join("etc")).unwrap();
            std::fs::write(work.path().join(format!("etc/{name}.conf")), version).unwrap();
            let depends = if depends.is_empty() { String::new() } else { format!("Depends: {depends}\n") };
            let control = format!(
                "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: t <t@t>\n{depends}Description: t\n"
            );
            std::fs::write(work.path().join("DEBIAN/control"), &control).unwrap();
            std::fs::write(work.path().join("DEBIAN/conffiles"), format!("/etc/{name}.conf\n")).unwrap();
            let file = repository.join(format!("{name}_{version}.deb"));
            let built =
                Command::new("dpkg-deb").args(["-b", "-Zgzip"]).arg(work.path()).arg(&file).output().unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            let hash = text(Command::new("sha256sum").arg(&file));
            let hash = hash.split(' ').next().unwrap();
            let size = std::fs::metadata(&file).unwrap().len();
            index += &format!("{control}Filename: ./{name}_{version}.deb\nSize: {size}\nSHA256: {hash}\n\n");
        }
        std::fs::write(repository.join("Packages"), index).unwrap();
        let apt = root.join("etc/apt");
        std::fs::write(apt.join("sources.list"), "deb [trusted=yes] file:/srv/repository ./\n").unwrap();
        std::fs::write(apt.join("apt.conf.d/99test"), "APT::Sandbox::User \"root\";\n").unwrap();
    }
}

fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

struct NoTemplates;

impl Templates for NoTemplates {
    fn render(&self, template: &Template<'_>) -> Result<Arc<str>, Failure> {
        Ok(String::from_utf8_lossy(template.text).into())
    }
}

fn run(host: Arc<dyn Host>, function: &str, arguments: &str) -> Outcome {
    let grains: Map = [("os", "Debian"), ("os_family", "Debian")].into_iter().collect();
    let tree = Arc::new(MemoryTree::new());
    let minion = Minion::new(host, tree, report::Sources::new(), "test", Map::new(), grains);
    let context = Context {
        minion: &minion,
        templates: &NoTemplates,
        caller: Caller::State,
        saltenv: "base",
        sls: "test",
        id: "test",
    };
    let arguments = value::json::from_text(arguments).unwrap();
    let state = modules::state_function(function).unwrap();
    (state.run)(&context, arguments.as_map().unwrap(), Span::NONE)
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// What a state of a tree came to.
pub(crate) struct Done {
    /// What the plan said.
    pub(crate) planned: Outcome,
    /// What the run said.
    pub(crate) applied: Outcome,
}

/// Plans, applies and applies again. The plan touches nothing, lists what the run then does, and the second run
/// changes nothing.
pub(crate) fn bring_about(debian: &Debian, function: &str, arguments: &str) -> Done {
    let before = fingerprint(debian);
    let overlay: Arc<dyn Host> = Arc::new(Overlay::over(debian.system()));
    let planned = run(overlay.clone(), function, arguments);
    assert_eq!(fingerprint(debian), before, "the plan of {function} {arguments} touched the machine");

    let journal: Arc<dyn Host> = Arc::new(Journaled::new(System::rooted(
        debian.path(),
        vec![("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into())],
    )));
    let applied = run(journal.clone(), function, arguments);
    assert_eq!(applied.verdict, modules::Verdict::Holds, "{function} {arguments}: {}", applied.comment);
    assert_eq!(planned.changes, applied.changes, "{function} {arguments}: planned, applied");
    let subjects =
        |changes: Vec<Change>| changes.iter().map(Change::subject).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(
        subjects(overlay.changes_since(0)),
        subjects(journal.changes_since(0)),
        "{function} {arguments}"
    );

    let again = run(debian.system(), function, arguments);
    assert!(again.changes.is_empty(), "{function} {arguments} again: {:?}", again.changes);
    Done { planned, applied }
}

/// Runs a state on the very machine the test runs on: for tests inside a booted tree only.
pub(crate) fn apply_here(function: &str, arguments: &str) -> Outcome {
    assert!(is_inside(), "this would change the machine that the tests run on");
    let path = ("PATH".to_string(), "/usr/sbin:/usr/bin:/sbin:/bin".to_string());
    run(Arc::new(System::new(vec![path])), function, arguments)
}

/// Whether this process runs in a tree that [`Booted::run_test`] has put it into.
pub(crate) fn is_inside() -> bool {
    std::env::var("PINCH_INSIDE_BOOTED_TREE").is_ok()
}

/// Runs a state for real, whatever comes of it.
pub(crate) fn apply(debian: &Debian, function: &str, arguments: &str) -> Outcome {
    run(debian.system(), function, arguments)
}

/// What a plan must not change.
fn fingerprint(debian: &Debian) -> Vec<String> {
    let listed = Command::new("find")
        .arg(debian.path())
        .args(["-xdev", "(", "-path", "*/etc/*", "-o", "-path", "*/var/*", "-o", "-path", "*/home/*", ")"])
        .args([
            "-not",
            "-path",
            "*/var/cache/*",
            "-not",
            "-path",
            "*/var/log/*",
            "-not",
            "-path",
            "*/lists/*",
        ])
        .args(["-printf", "%p %s %T@ %m %u\n"])
        .output()
        .unwrap();
    let mut lines: Vec<String> = String::from_utf8_lossy(&listed.stdout).lines().map(String::from).collect();
    lines.sort();
    lines
}

/// A tree with systemd running in it.
pub(crate) struct Booted {
    debian: Debian,
    nspawn: Child,
    leader: String,
}

/// Boots a tree under systemd-nspawn, sharing nothing but the network. `None`, with the reason printed, where that
/// cannot be. `bind` lists files of this machine to bring in, each as `here:there`.
pub(crate) fn boot(debian: Debian, bind: &[&str]) -> Option<Booted> {
    std::fs::write(debian.path().join("etc/machine-id"), "").unwrap();
    let log = std::fs::File::create(debian.path().join("boot.log")).unwrap();
    let mut command = Command::new("systemd-nspawn");
    command
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        .args(["--register=no", "--keep-unit", "--boot", "-q", "--private-network"])
        .args(["--console=passive", "--kill-signal=SIGRTMIN+4", "-D"])
        .arg(debian.path())
        .args(bind.iter().map(|pair| format!("--bind-ro={pair}")))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let Ok(mut nspawn) = command.spawn() else {
        eprintln!("skipped: no systemd-nspawn");
        return None;
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        let parent = nspawn.id().to_string();
        let leader = text(Command::new("pgrep").args(["-P", &parent, "-x", "systemd"]));
        if !leader.is_empty() {
            let state = text(Command::new("nsenter").args([
                "-t",
                &leader,
                "-a",
                "systemctl",
                "is-system-running",
                "--wait",
            ]));
            if state == "running" || state == "degraded" {
                return Some(Booted { debian, nspawn, leader });
            }
        }
        if nspawn.try_wait().is_ok_and(|ended| ended.is_some()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = nspawn.kill();
    let _ = nspawn.wait();
    let log = std::fs::read_to_string(debian.path().join("boot.log")).unwrap_or_default();
    eprintln!("skipped: systemd did not come up under systemd-nspawn here: {log}");
    None
}

impl Booted {
    /// Runs a command inside: exit code, standard output, standard error.
    pub(crate) fn run(&self, argv: &[&str]) -> (i32, String, String) {
        let output = Command::new("nsenter").args(["-t", &self.leader, "-a"]).args(argv).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Runs a test of this very program inside, one that is ignored elsewhere. It has been brought in by [`boot`] as
    /// `/usr/bin/pinch-test`, and is static.
    pub(crate) fn run_test(&self, name: &str) {
        let test = ["env", "PINCH_INSIDE_BOOTED_TREE=1", "/usr/bin/pinch-test", "--ignored", "--exact", name];
        let (code, out, err) = self.run(&[&test[..], &["--nocapture"]].concat());
        assert_eq!(code, 0, "{out}\n{err}");
        assert!(out.contains("1 passed"), "{out}\n{err}");
    }

    /// The tree.
    pub(crate) fn debian(&self) -> &Debian {
        &self.debian
    }
}

/// Powers off, cleanly if that can be.
impl Drop for Booted {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "RTMIN+4", &self.leader]).status();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if self.nspawn.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.nspawn.kill();
        let _ = self.nspawn.wait();
    }
}
