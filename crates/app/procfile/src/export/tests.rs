//! What is written reads back, here and by systemd.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use report::{Problems, Sources, Style};

use super::*;
use crate::{CommandLine, Restart, RestartPolicy, Stop, StopTarget, Supervisord, SupervisordContext};

fn export<'e>(types: &'e [ProcessType], config: &'e [(String, String)]) -> Export<'e> {
    Export {
        app: "shop",
        directory: Path::new("/srv/shop"),
        user: None,
        types,
        config,
        config_directory: Path::new("/etc/shop"),
        log_directory: None,
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_string(), value.to_string())
}

/// A web type with a port, a worker of a program without a path, a job that ends.
fn shop() -> Vec<ProcessType> {
    let mut web =
        ProcessType::new("web", CommandLine::Shell("./serve --port $PORT && echo \"100% done\"".into()));
    web.count = 2;
    web.port = Some(5000);
    web.after = vec!["worker".into()];
    let mut worker =
        ProcessType::new("worker", CommandLine::Argv(vec!["celery".into(), "-A".into(), "shop app".into()]));
    worker.environment = vec![pair("QUEUE", "high")];
    worker.user = Some("celery".into());
    worker.umask = Some(0o27);
    worker.stop.target = StopTarget::Leader;
    worker.priority = 10;
    let mut job = ProcessType::new("job", CommandLine::Argv(vec!["bin/job".into()]));
    job.restart =
        Restart { policy: RestartPolicy::Unexpected(vec![0, 3]), tries: Some(3), ..Restart::default() };
    job.ready = Readiness::Notify;
    vec![web, worker, job]
}

fn file<'f>(files: &'f [ExportedFile], name: &str) -> &'f ExportedFile {
    files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn units_say_what_the_process_types_say() {
    let (types, mut problems) = (shop(), Problems::new());
    let config = [pair("DATABASE_URL", "postgres://shop:s3cret@db/shop")];
    let files = systemd(&export(&types, &config), &mut problems).expect("units");
    assert_eq!(
        file(&files, "shop-web@.service").text,
        "[Unit]\n\
         Description=shop: web %i\n\
         PartOf=shop.target\n\
         After=network.target\n\
         After=shop-worker@1.service\n\
         Wants=shop-worker@1.service\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=exec\n\
         WorkingDirectory=/srv/shop\n\
         EnvironmentFile=/etc/shop/shop.env\n\
         ExecStart=/usr/bin/env PORT=%i /bin/sh -c \"./serve --port $$PORT && echo \\\"100%% done\\\"\"\n\
         Restart=always\n\
         RestartSec=0.100\n\
         RestartSteps=9\n\
         RestartMaxDelaySec=30\n\
         KillSignal=SIGTERM\n\
         KillMode=control-group\n\
         TimeoutStopSec=10\n"
    );
    let worker = &file(&files, "shop-worker@.service").text;
    for line in [
        "User=celery",
        "UMask=0027",
        "EnvironmentFile=/etc/shop/shop-worker.env",
        "ExecStart=/usr/bin/env celery \"-A\" \"shop app\"",
        "KillMode=mixed",
    ] {
        assert!(worker.lines().any(|found| found == line), "{line}: {worker}");
    }
    let job = &file(&files, "shop-job@.service").text;
    for line in [
        "Type=notify",
        "ExecStart=/srv/shop/bin/job",
        "RestartPreventExitStatus=0 3",
        "StartLimitBurst=3",
        "After=shop-worker@1.service",
    ] {
        assert!(job.lines().any(|found| found == line), "{line}: {job}");
    }
    let target = &file(&files, "shop.target").text;
    let wants: Vec<_> = target.lines().filter(|line| line.starts_with("Wants=")).collect();
    assert_eq!(
        wants,
        [
            "Wants=shop-web@5000.service",
            "Wants=shop-web@5001.service",
            "Wants=shop-worker@1.service",
            "Wants=shop-job@1.service"
        ]
    );
    let said: Vec<_> = problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(said, ["systemd has no readiness by port: `web`"]);
}

#[test]
fn secrets_are_in_private_files_only() {
    let (mut types, mut problems) = (shop(), Problems::new());
    types[1].environment.push(pair("TOKEN", "hunter2"));
    let config = [pair("DATABASE_URL", "postgres://shop:hunter2@db/shop")];
    let export = export(&types, &config);
    let mut files = systemd(&export, &mut problems).expect("units");
    files.extend(supervisord(&export, &mut problems).expect("a configuration"));
    let (open, private): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.mode == 0o644);
    assert!(open.iter().all(|file| !file.text.contains("hunter2") && !file.is_config));
    assert!(private.iter().all(|file| file.text.contains("hunter2") && file.is_config && file.mode == 0o600));
    assert_eq!(private.len(), 3);
    assert!(!format!("{files:?}").contains("hunter2"));
}

#[test]
fn variables_are_quoted_for_systemd() {
    let (types, mut problems) = (shop(), Problems::new());
    let config = [pair("A", "b c"), pair("Q", "\"$x\" `y` \\z\n2"), pair("A-B", "x")];
    let files = systemd(&export(&types, &config), &mut problems).expect("units");
    let text = &file(&files, "shop.env").text;
    assert!(text.contains("\nA=\"b c\"\nQ=\"\\\"\\$x\\\" \\`y\\` \\\\z\n2\"\n"), "{text}");
    assert!(problems.iter().any(|problem| problem.what.contains("a variable called `A-B`")));
}

#[test]
fn names_that_no_unit_can_have() {
    for app in ["", "a b", "a/b", "-a", "../a"] {
        let mut problems = Problems::new();
        let export = Export { app, ..export(&[], &[]) };
        assert!(systemd(&export, &mut problems).is_none() && supervisord(&export, &mut problems).is_none());
        assert!(problems.has_errors(), "{app}");
    }
}

/// systemd reads the units without complaint, where it is installed.
#[test]
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a real peer judges real files")]
fn systemd_takes_the_units() {
    let analyze = "/usr/bin/systemd-analyze";
    if !Path::new(analyze).exists() {
        println!("left out: systemd-analyze is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (mut types, mut problems) = (shop(), Problems::new());
    types[0].command = CommandLine::Shell("echo '$HOME ${X} %i %% \\t' ; a\tb \"q\" é".into());
    types[2].command =
        CommandLine::Argv(["/bin/true", ";", "", "$X", "%n", "a'b", "\u{1}"].map(String::from).to_vec());
    // Programs have to be there.
    types[1].command = CommandLine::Argv(vec!["sh".into(), "-c".into(), "true".into()]);
    let config = [pair("A", "b")];
    let exported = Export { directory: folder.path(), ..export(&types, &config) };
    let files = systemd(&exported, &mut problems).expect("units");
    let mut paths = Vec::new();
    for file in files.iter().filter(|file| !file.is_config) {
        let path = folder.path().join(&file.name);
        std::fs::write(&path, &file.text).expect("written");
        paths.push(path);
    }
    let mut command = std::process::Command::new(analyze);
    command.args(["verify", "--recursive-errors=no", "--man=no"]).args(&paths);
    let output = command.env("SYSTEMD_LOG_LEVEL", "info").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    // Keys of version 254 and newer; older ones pass over them with a word, which counts as a failure.
    let newer = |line: &str| line.contains("RestartSteps") || line.contains("RestartMaxDelaySec");
    let complaints: Vec<_> = said.lines().filter(|line| !newer(line)).collect();
    assert_eq!(complaints, Vec::<&str>::new());
    assert!(output.status.success() || said.lines().any(newer), "{said}");
    println!("systemd-analyze takes {} units", paths.len());
}

/// Reads what was exported as supervisord would.
fn read_back(text: &str) -> Result<Supervisord, String> {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let mut context = SupervisordContext {
        here: "/etc/shop",
        host: "box",
        process: &|_| None,
        include: &mut |_| Ok(Vec::new()),
    };
    let found =
        Supervisord::parse("supervisord.conf", text.as_bytes(), &mut context, &sources, &mut problems);
    let said = || problems.iter().map(|problem| report::render(problem, &sources, Style::Plain)).collect();
    found.ok_or_else(said)
}

/// A process type of which supervisord can say everything.
fn process_type() -> impl Strategy<Value = ProcessType> {
    let text = || {
        let pieces =
            ["a", " ", ";", "#", "\"", "'", "\\", "\n", "%", "%(x)s", "$", "=", ",", "é", "\t", "  ;", "\n#"];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..8).prop_map(|pieces| pieces.concat())
    };
    let command = prop_oneof![
        text().prop_map(CommandLine::Shell),
        (text(), prop::collection::vec(text(), 0..3)).prop_map(|(first, mut rest)| {
            rest.insert(0, format!("x{first}"));
            CommandLine::Argv(rest)
        }),
    ];
    let vars = prop::collection::btree_map("[A-OQ-Z]{1,3}", text(), 0..4);
    let policy = prop_oneof![
        Just(RestartPolicy::Always),
        Just(RestartPolicy::Never),
        prop::collection::vec(0..=255, 0..3).prop_map(RestartPolicy::Unexpected),
    ];
    let restart = (policy, 1..20_u32);
    let stop = (prop::sample::select(vec!["TERM", "INT", "QUIT", "USR1"]), 0..100_u64, any::<bool>());
    let rest = (prop::option::of(1..60_000_u16), prop::option::of(0..0o777_u32), 0..2000_i32, 0..20_u64);
    ("[a-zA-Z0-9_-]{1,8}", command, 0..5_u32, vars, restart, stop, rest).prop_map(
        |(
            name,
            command,
            count,
            vars,
            (policy, tries),
            (signal, grace, group),
            (port, umask, priority, startsecs),
        )| {
            let mut known = ProcessType::new(name, command);
            known.count = count;
            known.directory = Some(PathBuf::from("/srv/100%/x"));
            known.environment = vars.into_iter().collect();
            known.user = Some("app".into());
            known.umask = umask;
            known.port = port;
            known.ready = Readiness::Uptime(Duration::from_secs(startsecs));
            known.ready_timeout = Duration::from_secs((startsecs * 2).max(60));
            let longest = Duration::from_secs(u64::from(tries.saturating_sub(1).max(1)));
            known.restart = Restart { policy, first: Duration::from_secs(1), longest, tries: Some(tries) };
            known.priority = priority;
            let target = if group { StopTarget::Group } else { StopTarget::Leader };
            known.stop = Stop { signal: signal.into(), grace: Duration::from_secs(grace), target };
            known
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_exported_supervisord_conf_reads_back_the_same(
        types in prop::collection::vec(process_type(), 1..4),
        config in prop::collection::btree_map("[A-OQ-Z]{4}", "\\PC{0,6}", 0..3),
    ) {
        let types: BTreeMap<_, _> = types.into_iter().map(|known| (known.name.clone(), known)).collect();
        let types: Vec<_> = types.into_values().collect();
        let config: Vec<_> = config.into_iter().collect();
        let mut problems = Problems::new();
        let files = supervisord(&export(&types, &config), &mut problems).expect("a configuration");
        prop_assert!(!problems.has_errors());
        let read = match read_back(&files[0].text) {
            Ok(read) => read,
            Err(said) => return Err(TestCaseError::fail(format!("{said}\n{}", files[0].text))),
        };
        let with_config = |known: &ProcessType, config: &[(String, String)]| {
            let mut vars: BTreeMap<_, _> = config.iter().cloned().collect();
            vars.extend(known.environment.iter().cloned());
            ProcessType { environment: vars.into_iter().collect(), ..known.clone() }
        };
        let by_name = |types: Vec<ProcessType>| {
            types.into_iter().map(|known| (known.name.clone(), known)).collect::<BTreeMap<_, _>>()
        };
        let mut expected = by_name(types.iter().map(|known| with_config(known, &config)).collect());
        let found = read.programs.iter().map(|program| with_config(&program.process_type, &read.environment));
        // What a shell is told as words is a shell's line.
        for known in expected.values_mut() {
            if let CommandLine::Argv(words) = &known.command
                && let [shell, flag, line] = words.as_slice()
                && shell == "/bin/sh" && flag == "-c"
            {
                known.command = CommandLine::Shell(line.clone());
            }
        }
        prop_assert_eq!(by_name(found.collect()), expected, "{}", &files[0].text);
        prop_assert!(read.programs.iter().all(|program| program.group == "shop" && program.autostart));
    }

    #[test]
    fn any_process_type_can_be_exported(types in prop::collection::vec(process_type(), 0..3)) {
        let mut problems = Problems::new();
        prop_assert!(systemd(&export(&types, &[]), &mut problems).is_some());
        prop_assert!(problems.iter().all(|problem| !problem.what.is_empty()));
    }
}
