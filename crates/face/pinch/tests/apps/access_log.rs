//! The access log of an app is part of its log.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::home::{Home, ended, run, until};

const PROCFILE: &str = "web: exec python3 -u -m http.server $PORT --bind 127.0.0.1 2>&1\n";

fn ask(home: &Home, path: &str) {
    let address = home.status()["http"][0].as_str().unwrap().to_string();
    let answer = run("curl", &["-sS", "--max-time", "10", &format!("http://{address}{path}")]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
}

/// Whether a line of a log is of a request for a path.
fn is_of(line: &str, path: &str) -> bool {
    line.contains(" router | app=shop method=GET ") && line.contains(&format!("path=\"{path}\" "))
}

#[test]
fn requests_are_shown_among_what_the_app_says() {
    let home = Home::new(PROCFILE);
    home.up(&[]);
    // Another app behind the same router.
    home.done(&["up", "-d", "-a", "blog", "--path", "/blog"]);
    ask(&home, "/one?app=shop");
    ask(&home, "/blog/x%20app=shop%20");
    until("both requests are written down", || {
        let lines = home.pinch(&["logs", "-a", "pinch"]).stdout;
        lines.contains("app=shop method=GET") && lines.contains("app=blog method=GET")
    });
    ask(&home, "/two");
    until("a request is in the app's log", || {
        home.done(&["logs", "-a", "shop"]).lines().any(|line| is_of(line, "/two"))
    });

    let all = home.done(&["logs", "-a", "shop"]);
    let place = |what: &dyn Fn(&str) -> bool| all.lines().position(what).unwrap_or_else(|| panic!("{all}"));
    let said = |path: &'static str| {
        move |line: &str| line.contains(" web.1 ") && line.contains(&format!("GET {path} "))
    };
    assert!(place(&said("/one?app=shop")) < place(&|line| is_of(line, "/one?app=shop")), "{all}");
    assert!(place(&|line| is_of(line, "/one?app=shop")) < place(&said("/two")), "{all}");
    assert!(!all.contains("blog"), "{all}");
    let web = home.done(&["logs", "-a", "shop", "--process", "web"]);
    assert!(web.contains("/two") && !web.contains(" router |"), "{web}");
    let router = home.done(&["logs", "-a", "shop", "--process", "router"]);
    assert_eq!(router.lines().count(), 2, "{router}");
    assert!(router.lines().all(|line| line.contains(" router | app=shop ")), "{router}");
    let last = home.done(&["logs", "-a", "shop", "-n", "1", "--process", "router", "--out", "json"]);
    assert!(
        last.contains(r#""process":"router""#) && last.contains("/two") && last.lines().count() == 1,
        "{last}"
    );
    home.done(&["down", "-a", "blog"]);
}

#[test]
fn in_the_foreground_they_are_dimmed() {
    let home = Home::new(PROCFILE);
    let options = ["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--force-color"];
    let mut child = home.command(&options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it is up", || home.pinch(&["ps"]).stdout.contains(" ready "));
    until("it answers", || {
        let status = home.status();
        let address = status["http"][0].as_str().unwrap_or_default();
        run("curl", &["-sSf", "--max-time", "10", &format!("http://{address}/")]).code == Some(0)
    });
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.contains("app=shop method=GET")).unwrap();
    run("kill", &["-INT", &child.id().to_string()]);
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        line.starts_with("\u{1b}[2m") && line.contains(" router | app=shop") && line.ends_with("\u{1b}[0m"),
        "{line:?}"
    );
}
