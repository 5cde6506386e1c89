//! A `pinch.yaml` beside the Procfile: how processes start, what they get, and how they are asked to stop.

use std::fs;
use std::time::Duration;

use super::home::{Home, until};

/// A leader and a child of its group; each says which signal it hears. Shells let children in the background ignore QUIT, so
/// the child is given its default back.
const SERVE: &str = r#"
: > "$ROOT/$PINCH_PROCESS.began"
echo "$PINCH_PROCESS has $THREADS threads, mask $(umask), in $(basename "$PWD")"
env --default-signal=QUIT sh -c 'trap "echo the child heard QUIT; exit" QUIT; while :; do sleep 0.05; done' &
trap 'echo the leader heard QUIT; sleep 0.5; echo the leader ends; exit 0' QUIT
trap 'echo the leader heard TERM; exit 0' TERM
while :; do sleep 0.05; done
"#;

const SETTINGS: &str = r"
processes:
  web:
    ready: 0.1
    after: [worker]
    stop: {signal: QUIT, grace: 2, target: leader}
    directory: app
    umask: 0027
    environment: {THREADS: 4}
  worker:
    ready: 1
    stop: QUIT
";

fn shop() -> Home {
    let home = Home::new("web: exec sh $ROOT/serve.sh\nworker: exec sh $ROOT/serve.sh\n");
    home.write("serve.sh", SERVE);
    home.write("shop/pinch.yaml", SETTINGS);
    home.write("shop/.env", &format!("ROOT={}\nTHREADS=2\n", home.path("").display()));
    fs::create_dir(home.path("shop/app")).unwrap();
    home
}

#[test]
fn processes_start_in_order_and_stop_as_it_says() {
    let home = shop();
    home.up(&[]);
    let began = |process: &str| {
        fs::metadata(home.path(&format!("{process}.began"))).and_then(|file| file.modified()).unwrap()
    };
    let between = began("web.1").duration_since(began("worker.1")).expect("the worker began first");
    assert!(between >= Duration::from_millis(900), "web waits until the worker is ready: {between:?}");
    let logs = |process: &str| home.done(&["logs", "-a", "shop", "--process", process]);
    until("both speak", || logs("web").contains("threads") && logs("worker").contains("threads"));
    assert!(logs("web").contains("web.1 has 4 threads, mask 0027, in app\n"), "{}", logs("web"));
    assert!(logs("worker").contains("worker.1 has 2 threads, "), "{}", logs("worker"));

    home.done(&["stop", "-a", "shop"]);
    until("both hear it", || {
        logs("web").contains("the child heard") && logs("worker").contains("the leader ends")
    });
    let (web, worker) = (logs("web"), logs("worker"));
    let order = |log: &str| {
        ["leader heard QUIT\n", "child heard QUIT\n", "leader ends\n"].map(|said| log.find(said).expect(log))
    };
    // Who is left is asked once the leader has ended.
    let [leader, child, end] = order(&web);
    assert!(leader < end && end < child, "{web}");
    let [leader, child, end] = order(&worker);
    assert!(leader < end && child < end, "{worker}");
    assert!(!web.contains("TERM") && !worker.contains("TERM"), "{web}{worker}");
}

#[test]
fn options_win_over_it_and_a_plan_tells_what_it_changes() {
    let home = shop();
    home.up(&["-e", "THREADS=8", "--ready", "worker=0.1"]);
    let logs = || home.done(&["logs", "-a", "shop", "--process", "web"]);
    until("web speaks", || logs().contains("web.1 has 8 threads"));

    let plan = |words: &[&str]| {
        let options = ["up", "--dry-run", "-e", "THREADS=8", "--ready", "worker=0.1"];
        home.done(&[&options, words].concat())
    };
    assert!(!plan(&[]).contains("->"), "{}", plan(&[]));
    home.write("shop/staging.yaml", &SETTINGS.replace("signal: QUIT", "signal: INT"));
    let plan = plan(&["--settings", "staging.yaml"]);
    assert!(plan.contains("  web: stop signal: QUIT -> INT\n"), "{plan}");
    assert_eq!(plan.matches("->").count(), 1, "{plan}");
}

#[test]
fn config_and_export_read_it() {
    let home = shop();
    let config = home.done(&["config"]);
    assert!(config.contains("THREADS=2  # .env:2:1\n"), "{config}");
    assert!(config.contains("THREADS=4  # web only, pinch.yaml:9:19, over .env:2:1\n"), "{config}");
    let told: serde_json::Value = serde_json::from_str(&home.done(&["config", "--out", "json"])).unwrap();
    let own = told.as_array().unwrap().iter().find(|var| var["process_type"] == "web").unwrap();
    assert_eq!((&own["value"], &own["overrides"][0]), (&"4".into(), &".env:2:1".into()));
    let config = home.done(&["config", "-e", "THREADS=8"]);
    assert!(!config.contains("web only"), "{config}");

    home.done(&["export", "systemd", "units"]);
    let unit = fs::read_to_string(home.path("shop/units/shop-web@.service")).unwrap();
    for line in
        ["KillSignal=SIGQUIT\n", "KillMode=mixed\n", "TimeoutStopSec=2\n", "UMask=0027\n", "shop/app\n"]
    {
        assert!(unit.contains(line), "{line}{unit}");
    }
}

#[test]
fn start_reads_it_where_foreman_has_no_say() {
    let home = Home::new("web: exit 3\nworker: echo tried >> said; exit 4\n");
    home.write("shop/pinch.yaml", "processes:\n  web: {after: [worker]}\n");
    assert_eq!(home.pinch(&["start", "web"]).code, Some(3), "it waits for none that is not started");

    let settings =
        "processes:\n  worker: {restart: {policy: on-failure, first: 0, tries: 3}, ready: 5, port: 7777}\n";
    home.write("shop/pinch.yaml", settings);
    let ended = home.pinch(&["start", "worker"]);
    let said = || fs::read_to_string(home.path("shop/said")).unwrap();
    assert_eq!(said(), "tried\n".repeat(3), "{ended:?}");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    home.write("shop/Procfile", "worker: echo $PORT > said\n");
    home.write("shop/pinch.yaml", "processes: {worker: {port: 7777}}");
    home.done(&["start"]);
    assert_eq!(said(), "7777\n");
    home.done(&["start", "-p", "7700"]);
    assert_eq!(said(), "7700\n");
}
