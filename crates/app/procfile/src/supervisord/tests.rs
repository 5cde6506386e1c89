//! What the real supervisord reads from configurations, and what is said about mistakes.

use proptest::prelude::*;
use report::{Problems, Sources, Style};
use serde_json::{Map, Value, json};

use super::*;
use crate::{CommandLine, Readiness, RestartPolicy, StopTarget};

/// A configuration read in `/tmp/app` beside other files; and all that is said.
fn read_with(bytes: &[u8], files: &[(&str, &str)]) -> (Option<Supervisord>, String) {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let process = |name: &str| match name {
        "HOME" => Some("/home/app".to_string()),
        "STAGE" => Some("prod".to_string()),
        "PATH" => Some("/usr/bin".to_string()),
        _ => None,
    };
    // `*` stands for one part of a path, which is all that is needed here.
    let matches = |pattern: &str, path: &str| match pattern.split_once('*') {
        Some((before, after)) => path.starts_with(before) && path.ends_with(after),
        None => path == pattern,
    };
    let mut include = |pattern: &str| {
        let found = files.iter().map(|(path, text)| (format!("/tmp/app/{path}"), text));
        let found = found.filter(|(path, _)| matches(pattern, path));
        Ok(found.map(|(path, text)| ConfigText { path, bytes: text.as_bytes().to_vec() }).collect())
    };
    let mut context =
        SupervisordContext { here: "/tmp/app", host: "box", process: &process, include: &mut include };
    let found = Supervisord::parse("supervisord.conf", bytes, &mut context, &sources, &mut problems);
    assert_eq!(found.is_none(), problems.has_errors());
    (found, problems.iter().map(|problem| report::render(problem, &sources, Style::Plain)).collect())
}

fn read(text: &str) -> (Option<Supervisord>, String) {
    read_with(text.as_bytes(), &[])
}

fn said(text: &str) -> String {
    read(text).1
}

fn table() -> Value {
    serde_json::from_str(include_str!("../../tests/supervisord-cases.json")).expect("JSON")
}

fn files(case: &Value) -> Vec<(&str, &str)> {
    let files = case["files"].as_array().into_iter().flatten();
    files.map(|file| (file["path"].as_str().expect("a path"), file["text"].as_str().expect("text"))).collect()
}

#[test]
fn reads_what_supervisord_reads() {
    let table = table();
    let cases = table["cases"].as_array().expect("cases");
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let text = case["text"].as_str().expect("text");
        let (found, said) = read_with(text.as_bytes(), &files(case));
        match (found, case["groups"].as_array()) {
            (Some(found), Some(groups)) => {
                let mut expected: Vec<Value> =
                    groups.iter().flat_map(|group| processes(group, &table["defaults"])).collect();
                let mut found: Vec<Value> =
                    found.programs.iter().flat_map(|program| flat(program, &found)).collect();
                let by_name = |process: &Value| (process["group"].to_string(), process["name"].to_string());
                found.sort_by_key(by_name);
                expected.sort_by_key(by_name);
                assert_eq!(found, expected, "{name}: {said}");
                assert_eq!(said.contains("before 4.4"), case.get("before_4_4").is_some(), "{name}: {said}");
            }
            (None, None) => {}
            (found, _) => panic!("{name}: {found:?} {said}, but supervisord: {:?}", case["error"]),
        }
    }
    println!("as supervisord reads them: {} of {}", cases.len(), cases.len());
}

/// The processes of a group of the table, with what is left out. Priorities become an order, which
/// [`priorities_put_programs_in_supervisords_order`] looks at.
fn processes(group: &Value, defaults: &Value) -> Vec<Value> {
    let mut processes = Vec::new();
    for process in group["processes"].as_array().expect("processes") {
        let mut full: Map<String, Value> = defaults.as_object().expect("defaults").clone();
        full.extend(process.as_object().expect("a process").clone());
        full.insert("group".into(), group["name"].clone());
        full.remove("priority");
        if full["autorestart"] != "unexpected" {
            // Of no use then, and not kept.
            full.insert("exitcodes".into(), json!([0]));
        }
        processes.push(Value::Object(full));
    }
    processes
}

/// The processes of a program in the table's form.
fn flat(program: &Program, all: &Supervisord) -> Vec<Value> {
    let known = &program.process_type;
    let argv = match &known.command {
        CommandLine::Shell(line) => vec!["/bin/sh".to_string(), "-c".into(), line.clone()],
        CommandLine::Argv(words) => words.clone(),
    };
    let Readiness::Uptime(startsecs) = known.ready else { panic!("readiness is startsecs") };
    let (autorestart, exitcodes) = match &known.restart.policy {
        RestartPolicy::Always => ("always", None),
        RestartPolicy::Unexpected(codes) => ("unexpected", Some(codes.clone())),
        RestartPolicy::Never => ("never", None),
    };
    let log = |log: &Log| {
        let file = match &log.target {
            LogTarget::Auto => json!("auto"),
            LogTarget::Nothing | LogTarget::Stdout => Value::Null,
            LogTarget::File(path) => json!(path),
        };
        json!({ "file": file, "max_bytes": log.max_bytes, "backups": log.backups, "syslog": log.syslog })
    };
    let one = |(number, process): (usize, &Process)| {
        let mut environment: std::collections::BTreeMap<_, _> = all.environment.iter().cloned().collect();
        environment.extend(known.environment.iter().cloned());
        environment.extend(known.port.map(|port| ("PORT".into(), (port + number as u16).to_string())));
        json!({
            "group": program.group,
            "name": process.name,
            "argv": argv,
            "directory": known.directory,
            "umask": known.umask,
            "autostart": program.autostart,
            "autorestart": autorestart,
            "startsecs": startsecs.as_secs(),
            "startretries": known.restart.tries.map(|tries| tries - 1),
            "user": known.user.is_some(),
            "stopsignal": known.stop.signal,
            "stopwaitsecs": known.stop.grace.as_secs(),
            "stopasgroup": known.stop.target == StopTarget::Group,
            "exitcodes": exitcodes.clone().unwrap_or_else(|| vec![0]),
            "redirect_stderr": process.stderr.target == LogTarget::Stdout,
            "environment": environment,
            "stdout": log(&process.stdout),
            "stderr": log(&process.stderr),
        })
    };
    program.processes.iter().enumerate().map(one).collect()
}

#[test]
fn priorities_put_programs_in_supervisords_order() {
    for case in table()["cases"].as_array().expect("cases") {
        let text = case["text"].as_str().expect("text");
        let Some(found) = read_with(text.as_bytes(), &files(case)).0 else { continue };
        let numbers: Vec<i32> = found.programs.iter().map(|program| program.process_type.priority).collect();
        assert!(numbers.is_sorted(), "{}: {numbers:?}", case["name"]);
    }
    let numbers = |text: &str| {
        let found = read(text).0.expect("a configuration");
        let number = |program: &Program| (program.section.clone(), program.process_type.priority);
        found.programs.iter().map(number).collect::<Vec<_>>()
    };
    let expected =
        |list: &[(&str, i32)]| list.iter().map(|(name, n)| (name.to_string(), *n)).collect::<Vec<_>>();
    let program = |name: &str, priority: i32| format!("[program:{name}]\ncommand=/x\npriority={priority}\n");
    let alone = program("a", 7) + &program("b", 5);
    assert_eq!(numbers(&alone), expected(&[("b", 5), ("a", 7)]), "their own");
    let grouped = alone.clone() + "[group:g]\nprograms=a\npriority=1\n";
    assert_eq!(numbers(&grouped), expected(&[("a", 1), ("b", 5)]), "the group's");
    let both = alone + &program("c", 2) + "[group:g]\nprograms=a,b\npriority=1\n";
    assert_eq!(numbers(&both), expected(&[("b", 0), ("a", 1), ("c", 2)]), "their places");
}

#[test]
fn what_becomes_of_options() {
    let text = "[supervisord]\nenvironment=A=\"1\"\nuser=app\numask=077\n[program:web]\ncommand=/bin/sh -c 'a && b'\n\
        numprocs=2\nnumprocs_start=8000\nprocess_name=%(program_name)s_%(process_num)d\n\
        environment=PORT=\"%(process_num)d\",B=\"2\"\nstartretries=5\nstopasgroup=true\nstopsignal=INT\n";
    let (found, said) = read(text);
    let found = found.expect("a configuration");
    assert_eq!(said, "");
    let web = &found.programs[0].process_type;
    assert_eq!(web.command, CommandLine::Shell("a && b".into()));
    assert_eq!((web.count, web.port), (2, Some(8000)));
    assert_eq!(web.environment, [("B".to_string(), "2".to_string())]);
    assert_eq!(found.environment, [("A".to_string(), "1".to_string())]);
    assert_eq!((web.user.as_deref(), web.umask), (Some("app"), Some(0o077)));
    assert_eq!((web.restart.tries, web.restart.longest.as_secs()), (Some(6), 5));
    assert_eq!((web.stop.signal.as_str(), web.stop.target), ("INT", StopTarget::Group));
    let names: Vec<_> = found.programs[0].processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["web_8000", "web_8001"]);
}

#[test]
fn processes_that_differ_are_types_of_their_own() {
    let text = "[program:my.web]\ncommand=/x %(process_num)d\nnumprocs=2\nprocess_name=w.%(process_num)d\n";
    let (found, said) = read(text);
    let found = found.expect("a configuration");
    let names: Vec<_> = found.programs.iter().map(|program| program.process_type.name.as_str()).collect();
    assert_eq!(names, ["w-0", "w-1"]);
    assert!(
        found.programs.iter().all(|program| program.process_type.count == 1 && program.processes.len() == 1)
    );
    assert!(said.contains("each process of `my.web` is a process type of its own"), "{said}");
    assert!(said.contains("`w.0` is called `w-0` here"), "{said}");
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    assert_eq!(
        said("[program:web]\ncommand=/bin/cat\nautostrat=false\n"),
        "warning: `autostrat` is no key of `[program:web]`\n --> supervisord.conf:3:1\n  |\n3 | autostrat=false\n  | ^^^^^^^^^\n  |\n  \
         = help: did you mean `autostart`?\n"
    );
    let web = "[program:web]\ncommand=/bin/cat\n";
    for (text, expected) in [
        ("", "supervisord.conf has no programs"),
        ("[program:web]\nautostart=true\n", "the program `web` has no command"),
        ("[program:web]\ncommand=\n", "the command is empty"),
        ("[program:web]\ncommand=sh -c \"a ; b\"\n", "begin a comment, even between quotes"),
        ("[program:web]\ncommand=date +%Y\n", "a percent sign is written `%%`"),
        ("[program:web]\ncommand=x %(progam_name)s\n", "did you mean `program_name`?"),
        ("[program:web]\ncommand=x %(ENV_NOPE)s\n", "`NOPE` is not set"),
        (&format!("{web}startsecs=soon\n"), "`soon` is no value of `startsecs`"),
        (&format!("{web}stopsignal=TREM\n"), "give a signal by name or number"),
        (&format!("{web}numprocs=2\n"), "has to contain `%(process_num)`"),
        (&format!("{web}numprocs=1001\nprocess_name=%(process_num)d\n"), "from 0 to 1000"),
        (&format!("{web}environment=A=b@c\n"), "put values in double quotes"),
        (&format!("{web}environment=A=b;C=d\n"), "variables are parted by commas"),
        (&format!("{web}killasgroup=false\n"), "`killasgroup=false` has no meaning here"),
        (&format!("{web}[progam:b]\ncommand=x\n"), "did you mean `[program:b]`?"),
        (&format!("{web}[supervisrod]\n"), "did you mean `[supervisord]`?"),
        (&format!("{web}[eventlistener:x]\ncommand=x\n"), "`[eventlistener:x]` is not run"),
        (&format!("{web}[fcgi-program:x]\ncommand=x\n"), "no FastCGI socket"),
        (&format!("{web}[group:g]\nprograms=wbe\n"), "did you mean `web`?"),
        (&format!("{web}[include]\n"), "`[include]` names no files"),
        (&format!("{web}[include]\nfiles=x/*.conf\n"), "no file matches `/tmp/app/x/*.conf`"),
        (&format!("{web}[program:a.b]\ncommand=x\n[program:a-b]\ncommand=y\n"), "is called `a-b` here"),
    ] {
        assert!(said(text).contains(expected), "{text:?}: {}", said(text));
    }
    let (found, said) = read_with(
        b"[include]\nfiles=a.conf\n",
        &[("a.conf", "[include]\nfiles=b.conf\n[program:a]\ncommand=x\n")],
    );
    assert!(found.is_some() && said.contains("an included file cannot include others"), "{said}");
}

#[test]
fn secrets_are_never_shown() {
    for text in [
        "[program:web]\nenvironment=TOKEN=\"hunter2\",B=@\n",
        "[program:web]\ncommand=x --password=hunter2 %Y\n",
        "[unix_http_server]\npassword=hunter2\npassword=hunter2\n",
        "[program:web]\ncommand=x\nTOKEN hunter2\n",
        "[program:web]\ncommand=x\nenvironment=TOKEN=\"hunt\n  er2\n",
    ] {
        let (found, said) = read(text);
        assert!(!said.contains("hunt") && !said.contains("er2"), "{said}");
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}

#[test]
fn sizes_are_bounded() {
    let many: Vec<String> = (0..20)
        .map(|number| {
            format!("[program:p{number}]\ncommand=x\nnumprocs=1000\nprocess_name=%(process_num)d\n")
        })
        .collect();
    assert!(said(&many.concat()).contains("more than 10000 processes in all"));
    assert!(read_with(&vec![b';'; Supervisord::LONGEST + 1], &[]).1.contains("too large"));
    let large = format!(
        "[program:web]\ncommand=x\nnumprocs=1000\nprocess_name=%(process_num)d\nenvironment={}",
        "A=1,".repeat(200_000)
    );
    assert!(said(&large).contains("too much text for so many processes"));
    let megabyte = ";".repeat(Supervisord::LONGEST);
    let files = vec![("a.conf", megabyte.as_str()); 9];
    assert!(read_with(b"[include]\nfiles=a.conf\n", &files).1.contains("bytes together"));
    let files = vec![("a.conf", ""); Supervisord::MOST_FILES + 1];
    assert!(read_with(b"[include]\nfiles=a.conf\n", &files).1.contains("more than 1000 files"));
    let keys: Vec<String> = (0..50_000).map(|number| format!("k{number}=1\n")).collect();
    let unknown = format!("[program:web]\ncommand=x\n{}", keys.concat());
    assert!(said(&unknown).contains("are not shown") || said(&unknown).len() < 100_000);
}

/// Texts made of the pieces that configurations care about.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "[program:web]\n",
        "[group:g]\n",
        "[supervisord]\n",
        "[include]\nfiles=*.conf\n",
        "[",
        "]",
        "command=",
        "a b\n",
        "numprocs=2\n",
        "process_name=%(process_num)d\n",
        "environment=",
        "A=\"b\"",
        "programs=web,",
        "%(ENV_HOME)s",
        "%",
        "\n",
        "\n  ",
        " ;",
        "#",
        "\"",
        "'",
        "\\",
        "=",
        ":",
        ",",
        "é",
        "\0",
        "\r\n",
        "x",
        "PORT=80%(process_num)02d",
        "priority=3\n",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_a_configuration_or_a_problem(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_with(&bytes, &[]);
    }

    #[test]
    fn any_text_is_a_configuration_or_a_problem(text in text(), included in text()) {
        let (found, _) = read_with(text.as_bytes(), &[("x.conf", &included)]);
        if let Some(found) = found {
            let mut names = std::collections::HashSet::new();
            for program in &found.programs {
                let known = &program.process_type;
                prop_assert!(crate::check_name(&known.name).is_ok());
                prop_assert!(names.insert(known.name.clone()), "two are called {}", known.name);
                prop_assert_eq!(program.processes.len(), known.count as usize);
            }
        }
    }
}
