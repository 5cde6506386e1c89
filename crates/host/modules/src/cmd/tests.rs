//! On the real machine.
#![expect(clippy::disallowed_methods, reason = "tests prepare the machine by hand")]

use std::sync::Arc;

use host::{Host, Overlay, System};
use render::{Functions as _, MemoryTree};
use value::{Map, Span, Value};

use crate::{Caller, Calls, Context, Minion, NoTemplates, Outcome, Verdict, guards, state_function};

fn system() -> Arc<dyn Host> {
    Arc::new(System::new(vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into())]))
}

fn minion(host: Arc<dyn Host>) -> Minion {
    let script = "#!/bin/sh\necho \"$1,$2,$GREETING\"; cat; ls -ld \"$0\" | cut -c1-10; exit 3\n";
    let tree = MemoryTree::new().with("web/setup.sh", script);
    Minion::new(host, Arc::new(tree), report::Sources::new(), "m1", Map::new(), Map::new())
}

fn on<T>(host: Arc<dyn Host>, act: impl FnOnce(&Context<'_>) -> T) -> T {
    let minion = minion(host);
    act(&Context {
        minion: &minion,
        templates: &NoTemplates,
        caller: Caller::State,
        saltenv: "base",
        sls: "",
        id: "",
    })
}

fn map(json: &str) -> Map {
    value::json::from_text(json).unwrap().as_map().unwrap().clone()
}

fn run(host: Arc<dyn Host>, name: &str, json: &str) -> Outcome {
    on(host, |context| (state_function(name).unwrap().run)(context, &map(json), Span::NONE).unwrap())
}

fn text<'a>(outcome: &'a Outcome, key: &str) -> &'a str {
    outcome.changes.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn variables_directory_mask_and_locale_arrive() {
    let outcome = run(
        system(),
        "cmd.run",
        r#"{"name": "pwd; umask; echo $X $LC_ALL$LC_TIME $PATH", "cwd": "/usr", "umask": "077",
            "env": [{"X": 1}], "prepend_path": "/opt/x"}"#,
    );
    let lines: Vec<&str> = text(&outcome, "stdout").lines().collect();
    assert_eq!(lines.first(), Some(&"/usr"));
    assert_eq!(lines.get(1), Some(&"0077"));
    assert!(lines.get(2).is_some_and(|line| line.starts_with("1 C /opt/x:/usr/local/bin")), "{lines:?}");
}

#[test]
fn a_script_runs_with_its_arguments_and_leaves_nothing() {
    let outcome = run(
        system(),
        "cmd.script",
        r#"{"name": "salt://web/setup.sh 'a b' $HOME", "env": {"GREETING": "hi"}}"#,
    );
    assert_eq!(text(&outcome, "stdout"), "a b,$HOME,hi\n-r-x------");
    assert_eq!((outcome.verdict, outcome.changes.get("retcode")), (Verdict::Failed, Some(&3i64.into())));
    let left = std::fs::read_dir("/tmp").unwrap().filter_map(Result::ok);
    let mut left = left.filter(|entry| entry.path().join("setup.sh").metadata().is_ok());
    assert!(left.all(|entry| !entry.file_name().to_string_lossy().starts_with("pinch.")));
}

#[test]
fn a_command_that_takes_too_long_is_stopped() {
    let outcome = run(system(), "cmd.run", r#"{"name": "sleep 20", "timeout": 1}"#);
    assert_eq!(text(&outcome, "stdout"), "sleep 20 : Timed out after 1 seconds");
    assert_eq!(outcome.verdict, Verdict::Failed);
    let forgiven = run(system(), "cmd.run", r#"{"name": "sleep 20", "timeout": 1, "ignore_timeout": true}"#);
    assert_eq!(forgiven.verdict, Verdict::Holds);
}

#[test]
fn a_background_command_is_not_waited_for() {
    let start = std::time::Duration::from_secs(5);
    let host = system();
    let before = host.elapsed();
    let outcome = run(host.clone(), "cmd.run", r#"{"name": "sleep 20", "bg": true}"#);
    assert!(host.elapsed() < before + start);
    let pid = outcome.changes.get("pid").and_then(Value::as_int).unwrap();
    assert!(pid > 1);
    run(host, "cmd.run", &format!(r#"{{"name": "kill {pid}"}}"#));
}

#[test]
fn a_plan_runs_no_command() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("made");
    let json = format!(r#"{{"name": "touch {0}", "creates": "{0}"}}"#, path.display());
    let plan: Arc<dyn Host> = Arc::new(Overlay::over(system()));
    let outcome = run(plan.clone(), "cmd.run", &json);
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert!(path.metadata().is_err());
    // A later state sees what the command promises.
    let skip = on(plan, |context| guards::skip(context, &map(&json)).unwrap());
    assert_eq!(skip, Some(format!("{} exists", path.display())));
}

#[test]
fn guards_judge_as_salt_does() {
    let cases = [
        (r#"{"onlyif": "true"}"#, None),
        (r#"{"onlyif": "false"}"#, Some("onlyif condition is false")),
        (r#"{"onlyif": ["true", "false"]}"#, Some("onlyif condition is false")),
        (r#"{"onlyif": false}"#, None),
        (r#"{"onlyif": "true", "cwd": "/no/such/place"}"#, Some("onlyif condition is false")),
        (r#"{"unless": "true"}"#, Some("unless condition is true")),
        (r#"{"unless": ["true", "false"]}"#, None),
        (
            r#"{"unless": "true", "onlyif": "true"}"#,
            Some("onlyif condition is true\nunless condition is true"),
        ),
        (r#"{"unless": "true", "cwd": "/no/such/place"}"#, Some("unless condition is true")),
        (r#"{"creates": "/etc/passwd"}"#, Some("/etc/passwd exists")),
        (r#"{"creates": ["/etc/passwd", "/no/such"]}"#, None),
        (r#"{"creates": ["/etc/passwd", "/etc/group"]}"#, Some("All files in creates exist")),
        (r#"{"onlyif": [{"fun": "test.true"}]}"#, None),
        (r#"{"onlyif": [{"fun": "test.false"}]}"#, Some("onlyif condition is false")),
        (
            r#"{"unless": [{"fun": "test.kwarg", "a": 1, "get_return": "a"}]}"#,
            Some("unless condition is true"),
        ),
        (r#"{"onlyif": [{"args": [1]}]}"#, None),
        (r#"{"unless": "test $X = 1", "env": {"X": 1}}"#, Some("unless condition is true")),
    ];
    for (arguments, expected) in cases {
        let skip = on(system(), |context| guards::skip(context, &map(arguments)).unwrap());
        assert_eq!(skip.as_deref(), expected, "{arguments}");
    }
    let check = |command: &str| {
        on(system(), |context| guards::check_command(context, &command.into(), &Map::new()).unwrap())
    };
    assert_eq!(check("true"), None);
    assert_eq!(check("false").as_deref(), Some("check_cmd determined the state failed"));
}

#[test]
fn templates_run_without_a_shell_unless_they_ask() {
    let calls = Calls::new(Arc::new(minion(system())));
    let call = |name: &str, line: &str| calls.call(name, vec![line.into()], Map::new()).unwrap().to_string();
    assert_eq!(call("cmd.run", "echo a | wc -c"), "a | wc -c");
    assert_eq!(call("cmd.shell", "echo a | wc -c"), "2");
    assert_eq!(call("cmd.retcode", "false"), "1");
    assert_eq!(call("cmd.has_exec", "sh"), "True");
}
