//! What a person sees, in a real browser.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "starts a browser, keeps pictures, and is told by the environment where"
)]

mod support;

use keeper::core::State;
use serde_json::{Value, json};
use support::devtools::Browser;
use support::sample::{self, Different as _};
use support::{Served, installed};

/// A browser, or the reason why there is none.
fn browser() -> Option<Browser> {
    if !installed("chromium") {
        println!("left out: what a person sees; chromium is not installed");
        return None;
    }
    Some(Browser::start())
}

fn open(browser: &mut Browser, served: &Served, path: &str) {
    browser.open(&format!("http://{}{path}", served.address));
    browser.until("document.getElementById('connection').textContent === 'Live'");
    // The first update has been taken in once the first lines, or the next update, are there.
    browser.until("document.getElementById('live') !== null");
}

#[test]
fn a_person_sees_what_there_is_and_what_changes() {
    let Some(mut browser) = browser() else { return };
    let served = Served::new(sample::quiet());
    browser.look(1200, 1000, "light");
    open(&mut browser, &served, "/");
    assert_eq!(browser.evaluate("document.title"), "All 5 processes are ready · Pinch");
    assert_eq!(browser.text("h1"), "All 5 processes are ready.");
    assert_eq!(
        browser.text("#app-shop"),
        "shop ready release v12 shop.localhost:8000 Processes of shop \
         Process State For Release Port PID Restarts Last end \
         clock.1 ready 7 min v12 17144 0 web.1 ready 7 min v12 5100 19361 0"
    );
    assert_eq!(
        browser.evaluate("document.querySelector('#app-shop .links a').href"),
        "http://shop.localhost:8000/"
    );

    // A change arrives in the page that is there: nothing is loaded again, and what has the focus keeps it.
    browser.evaluate("window.same = true; document.querySelector('#app-shop h2 a').focus(); 0");
    served.change(|status| {
        status.apps[2].processes[1] =
            sample::process("clock.1", 12).state(State::Failed("it is late".into())).pid(None).restarts(4);
    });
    browser.until("document.querySelector('h1').innerText === '4 of 5 processes are ready.'");
    assert_eq!(browser.text(".headline .trouble"), "In trouble: shop clock.1.");
    assert!(browser.text("#app-shop").contains("clock.1 failed 2 h 05 min v12 4 it is late"));
    assert_eq!(browser.evaluate("document.title"), "4 of 5 processes are ready · Pinch");
    assert_eq!(browser.evaluate("window.same && document.activeElement.innerText"), "shop");

    // Those who pause it are left in peace until they go on.
    browser.evaluate("document.getElementById('pause').click(); 0");
    assert_eq!(browser.text(".connection"), "Paused Go on");
    served.change(|status| status.apps.truncate(1));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(browser.text("#live").contains("shop"));
    browser.evaluate("document.getElementById('pause').click(); 0");
    browser.until("document.querySelector('h1').innerText === 'All 3 processes are ready.'");
    assert!(!browser.text("#live").contains("shop"));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_person_reads_the_log() {
    let Some(mut browser) = browser() else { return };
    let served = Served::new(sample::quiet());
    sample::talk(&served);
    browser.look(1200, 1000, "light");
    open(&mut browser, &served, "/");
    browser.evaluate("document.querySelector('#app-guestbook h2 a').click(); 0");
    browser.until("document.getElementById('connection')?.textContent === 'Live'");
    assert_eq!(browser.evaluate("location.pathname"), "/apps/guestbook");
    assert_eq!(
        browser.text("#lines li:nth-child(9)"),
        "09:59:35.638 web.2 err Traceback (most recent call last): File \"web.py\", line 41, in sign \
         entry = entries[number] IndexError: list index out of range"
    );

    // Hostile lines are lines, and do not run, when they were there before the page and when they come later.
    let hostile = b"</li></ol><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>";
    served.say("guestbook", "web.1", "stdout", hostile);
    browser.until("document.getElementById('lines').innerText.includes(\"onerror='window.hacked = 2'>\")");
    open(&mut browser, &served, "/apps/guestbook");
    browser.until("document.getElementById('lines').innerText.includes(\"onerror='window.hacked = 2'>\")");
    assert_eq!(browser.evaluate("typeof window.hacked"), "undefined");
    assert_eq!(browser.evaluate("document.querySelectorAll('main img, main script').length"), 0);

    // The newest line is in sight, as long as nobody scrolls up; then what is read stays where it is.
    for number in 0..100 {
        served.say("guestbook", "worker.1", "stdout", format!("line {number}.").as_bytes());
    }
    let last_is_in_sight = "(() => {
        const pane = document.querySelector('.window').getBoundingClientRect();
        const line = document.getElementById('lines').lastElementChild.getBoundingClientRect();
        return line.bottom <= pane.bottom && line.top >= pane.top;
    })()";
    browser.until("document.getElementById('lines').innerText.includes('line 99.')");
    assert_eq!(browser.evaluate(last_is_in_sight), true);
    let top = "[...document.querySelectorAll('#lines li')].find((line) => line.innerText.includes('line 50.'))\
        .getBoundingClientRect().top";
    browser.evaluate("document.querySelector('.window').scrollBy(0, -700); 0");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let before = browser.evaluate(top).as_f64().unwrap();
    served.say("guestbook", "worker.1", "stdout", b"and another one");
    browser.until("document.getElementById('lines').innerText.includes('and another one')");
    let after = browser.evaluate(top).as_f64().unwrap();
    assert!((before - after).abs() < 2.0, "{before} {after}");
    assert_eq!(browser.evaluate(last_is_in_sight), false);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_page_finds_its_way_back() {
    let Some(mut browser) = browser() else { return };
    let mut served = Served::new(sample::quiet());
    open(&mut browser, &served, "/apps/guestbook");
    served.end();
    browser.until("document.getElementById('connection').textContent === 'Connection lost, trying again'");
    let mut status = sample::quiet();
    status.apps[0].release = Some(99);
    let served = Served::on(&served.address.to_string(), status);
    browser.until("document.getElementById('connection').textContent === 'Live'");
    browser.until("document.getElementById('details').innerText.includes('v99')");
    drop(served);
}

#[test]
fn without_script_it_is_the_same_page() {
    let Some(mut browser) = browser() else { return };
    let served = Served::new(sample::busy());
    sample::talk(&served);
    browser.look(1200, 1000, "light");
    browser.tell("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(&format!("http://{}/apps/guestbook", served.address));
    assert_eq!(browser.text(".connection"), "As of 10:00:00 UTC Refresh");
    assert_eq!(browser.text("h1"), "guestbook");
    assert!(browser.text("#processes").contains("web.2 starting"));
    assert!(browser.text("#lines").contains("job 1183"));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn everybody_can_read_it() {
    let Some(mut browser) = browser() else { return };
    let mut status = sample::busy();
    status.stalled = vec!["guestbook/web.1 stdout: No space left on device".into()];
    let served = Served::new(status);
    sample::talk(&served);
    for path in ["/", "/apps/guestbook"] {
        for (width, scheme) in [(1200, "light"), (1200, "dark"), (360, "light"), (360, "dark")] {
            browser.look(width, 900, scheme);
            open(&mut browser, &served, path);
            let poor = browser.evaluate(POOR_CONTRAST);
            assert_eq!(poor, json!([]), "{path} {width} {scheme}");
            let too_wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth");
            assert_eq!(too_wide, false, "{path} {width}");
            let roles = roles(&mut browser);
            for role in [
                "banner",
                "navigation",
                "main",
                "contentinfo",
                "table",
                "columnheader",
                "rowheader",
                "status",
            ] {
                assert!(
                    roles.iter().any(|(found, _)| found == role),
                    "{role} on {path} at {width}: {roles:?}"
                );
            }
            let rows = roles.iter().filter(|(role, _)| role == "rowheader").count();
            assert_eq!(rows, if path == "/" { 12 } else { 7 }, "{roles:?}");
            // Whoever uses a keyboard can scroll the log.
            let log = roles.contains(&("region".into(), "Log".into()));
            assert_eq!(log, path != "/", "{roles:?}");
            assert!(
                roles
                    .iter()
                    .all(|(role, name)| !matches!(role.as_str(), "link" | "button") || !name.is_empty())
            );
        }
    }
    assert_eq!(browser.evaluate("document.documentElement.lang"), "en");
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Role and name of everything that assistive technology is told.
fn roles(browser: &mut Browser) -> Vec<(String, String)> {
    let tree = browser.tell("Accessibility.getFullAXTree", json!({}));
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    let nodes = tree["nodes"].as_array().unwrap().iter();
    nodes
        .filter(|node| node["ignored"] != true)
        .map(|node| (text(&node["role"]), text(&node["name"])))
        .collect()
}

/// Texts whose contrast with what is behind them is below 4.5, as WCAG 2.2 (1.4.3, level AA) wants it for small text.
const POOR_CONTRAST: &str = r"(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data;
    };
    const luminance = (color) => {
        const [r, g, b] = [...color].map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = rgba(getComputedStyle(at).backgroundColor);
            if (color[3] === 255) return color;
        }
        return [255, 255, 255, 255];
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.data.trim();
        const element = walker.currentNode.parentElement;
        if (!text || element.closest('script, style') || !element.checkVisibility()) continue;
        const [a, b] = [rgba(getComputedStyle(element).color), behind(element)].map(luminance);
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (!(contrast >= 4.5)) poor.push(`${contrast.toFixed(2)} ${text}`);
    }
    return poor;
})()";

/// Takes pictures of the pages, for documentation and for eyes: `PICTURES=FOLDER cargo test -p web --test browser -- --ignored`
#[test]
#[ignore = "takes pictures, checks nothing"]
fn pictures() {
    let folder = std::path::PathBuf::from(std::env::var_os("PICTURES").expect("PICTURES names a folder"));
    let served = Served::new(sample::busy());
    sample::talk(&served);
    let mut browser = Browser::start();
    for (name, path, width, height, scheme) in [
        ("index-light", "/", 1200, 1300, "light"),
        ("index-dark", "/", 1200, 1300, "dark"),
        ("index-narrow", "/", 390, 1800, "light"),
        ("app-light", "/apps/guestbook", 1200, 1000, "light"),
        ("app-dark", "/apps/guestbook", 1200, 1000, "dark"),
        ("app-narrow", "/apps/guestbook", 390, 1500, "dark"),
        ("missing", "/x", 800, 400, "light"),
    ] {
        browser.look(width, height, scheme);
        if name == "missing" {
            browser.open(&format!("http://{}{path}", served.address));
        } else {
            open(&mut browser, &served, path);
        }
        std::fs::write(folder.join(format!("{name}.png")), browser.picture()).unwrap();
    }
}
