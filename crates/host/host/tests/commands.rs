//! Programs on the real machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests panic as tests do")]

use std::time::{Duration, Instant};

use host::{Action, Command, Commands as _, HostError, Outcome, System};

fn system() -> System {
    System::new(vec![("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into()), ("KEPT".into(), "yes".into())])
}

fn shell(line: &str) -> String {
    let output = system().probe(&Command::shell(line)).unwrap();
    output.stdout_text() + &output.stderr_text()
}

#[expect(clippy::disallowed_methods, reason = "the test measures how long it was held up")]
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let answer = run();
    (answer, start.elapsed())
}

#[test]
fn says_how_it_ended() {
    let code = |line: &str| system().probe(&Command::shell(line)).unwrap().code;
    assert_eq!((code("exit 3"), code("kill -9 $$"), code("true")), (3, 137, 0));
    assert_eq!(shell("echo out; echo err >&2; pwd"), "out\n/\nerr\n");
    let outcome = system().act(&Action::opaque(Command::new(["echo", "a b"]))).unwrap();
    assert!(matches!(outcome, Outcome::Ran(output) if output.stdout == b"a b\n" && output.pid > 0));
}

#[test]
fn much_output_and_much_input_block_nobody() {
    let output =
        system().probe(&Command::shell("head -c 20000000 /dev/zero; head -c 9000000 /dev/zero >&2")).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (20_000_000, 9_000_000));
    let mut cat = Command::new(["cat"]);
    cat.stdin = vec![b'x'; 3_000_000];
    assert_eq!(system().probe(&cat).unwrap().stdout.len(), 3_000_000);
    // It does not read what it is given.
    let mut deaf = Command::new(["true"]);
    deaf.stdin = vec![b'x'; 3_000_000];
    assert!(system().probe(&deaf).unwrap().succeeded());
}

#[test]
fn more_than_the_bound_is_dropped_and_said_so() {
    let output = system().probe(&Command::shell("head -c 70000000 /dev/zero")).unwrap();
    assert!(output.stdout.len() < 65 << 20 && output.stdout.ends_with(b"dropped the rest]\n"));
}

#[test]
fn what_it_leaves_behind_is_not_waited_for() {
    for line in ["sleep 20 & echo up", "(while :; do echo still; sleep 0.02; done) & echo up; exit 0"] {
        let (said, took) = timed(|| shell(line));
        assert!(said.contains("up\n"), "{said}");
        assert!(took < Duration::from_secs(3), "{line}: {took:?}");
    }
}

#[test]
fn a_timeout_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    // Neither the child nor the shell itself listens to a polite request.
    let line =
        format!("trap '' TERM; (trap '' TERM; sleep 2; echo late > {}) & sleep 20; sleep 20", mark.display());
    let mut command = Command::shell(line);
    command.timeout = Some(Duration::from_millis(200));
    let (answer, took) = timed(|| system().probe(&command));
    assert!(matches!(answer, Err(HostError::TimedOut { after, .. }) if after.as_millis() == 200));
    assert!(took < Duration::from_secs(2), "{took:?}");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!mark.try_exists().unwrap(), "a child outlived the timeout");
}

#[test]
fn the_environment_is_what_was_asked_for() {
    let mut command = Command::shell("echo \"$KEPT-$NEW-$GONE\"").variable("NEW", "new");
    command.environment.push(("KEPT".into(), None));
    assert_eq!(system().probe(&command).unwrap().stdout_text(), "-new-\n");
    let mut clean = Command::shell("echo \"$KEPT-${PATH:+path}\"");
    clean.clean_environment = true;
    assert_eq!(system().probe(&clean).unwrap().stdout_text(), "-path\n");
}

#[test]
fn what_cannot_run_says_why() {
    let why = |command: &Command| match system().probe(command) {
        Err(HostError::CannotRun { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&Command::new(["no-such-program"])), "there is no such program");
    assert_eq!(
        why(&Command::new(["true"]).directory("/no/such")),
        "its working directory /no/such is not there"
    );
    assert!(why(&Command::new(["/etc/passwd"])).contains("ermission"));
    assert_eq!(why(&Command::new(Vec::<String>::new())), "the command is empty");
    assert_eq!(why(&Command::new(["echo", "a\0b"])), "a word contains a NUL byte");
}

#[test]
fn mask_and_directory() {
    let mut command = Command::shell("umask; pwd").directory("/usr");
    command.umask = Some(0o027);
    assert_eq!(system().probe(&command).unwrap().stdout_text(), "0027\n/usr\n");
}

#[test]
fn another_user_with_all_that_belongs_to_it() {
    let as_user = |user: Option<&str>, group: Option<&str>, line: &str| {
        let mut command = Command::shell(line);
        (command.user, command.group) = (user.map(Into::into), group.map(Into::into));
        system().probe(&command)
    };
    assert!(matches!(as_user(Some("no-such"), None, "id"), Err(HostError::NoAccount { kind: "user", .. })));
    assert!(matches!(as_user(None, Some("no-such"), "id"), Err(HostError::NoAccount { kind: "group", .. })));
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    let said = as_user(
        Some("nobody"),
        None,
        "id -u; id -G; echo $HOME $USER $LOGNAME; grep CapEff /proc/self/status",
    );
    let said = said.unwrap().stdout_text();
    let expected = shell("id -u nobody; id -G nobody; awk -F: '$1==\"nobody\"{print $6,$1,$1}' /etc/passwd");
    assert_eq!(said, expected + "CapEff:\t0000000000000000\n");
    assert_eq!(as_user(Some("nobody"), Some("daemon"), "id -gn").unwrap().stdout_text(), "daemon\n");
    assert_eq!(as_user(None, Some("daemon"), "id -un; id -gn").unwrap().stdout_text(), "root\ndaemon\n");
    // The rest of the process stays who it was.
    assert_eq!(shell("id -u"), "0\n");
}

#[test]
fn inside_a_root_only_what_is_there_runs() {
    let folder = tempfile::tempdir().unwrap();
    let rooted = System::rooted(folder.path(), vec![("PATH".into(), "/bin".into())]);
    let Err(HostError::CannotRun { why, .. }) = rooted.probe(&Command::new(["true"])) else {
        panic!("it ran")
    };
    assert!(why.contains("inside"), "{why}");
    let mut command = Command::new(["echo", "outside"]);
    command.outside = true;
    assert_eq!(rooted.probe(&command).unwrap().stdout_text(), "outside\n");
}
