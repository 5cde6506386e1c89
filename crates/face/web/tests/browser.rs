//! What a person sees, in a real browser.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "starts a browser and keeps pictures"
)]

mod support;

use support::devtools::Browser;
use support::{Served, sample};

/// Takes pictures of the pages, for documentation and for eyes: `PICTURES=FOLDER cargo test -p web --test browser -- --ignored`
#[test]
#[ignore = "takes pictures, checks nothing"]
fn pictures() {
    let folder = std::path::PathBuf::from(std::env::var_os("PICTURES").expect("PICTURES names a folder"));
    let served = Served::new(sample::busy());
    sample::talk(&served);
    let mut browser = Browser::start();
    let url = format!("http://{}", served.address);
    for (name, path, width, height, scheme) in [
        ("index-light", "/", 1200, 1100, "light"),
        ("index-dark", "/", 1200, 1100, "dark"),
        ("index-narrow", "/", 390, 1800, "light"),
        ("app-light", "/apps/guestbook", 1200, 1000, "light"),
        ("app-dark", "/apps/guestbook", 1200, 1000, "dark"),
        ("app-narrow", "/apps/guestbook", 390, 1500, "dark"),
        ("missing", "/x", 800, 400, "light"),
    ] {
        browser.look(width, height, scheme);
        browser.open(&format!("{url}{path}"));
        if name != "missing" {
            browser.until("document.getElementById('connection').textContent === 'Live'");
        }
        std::fs::write(folder.join(format!("{name}.png")), browser.picture()).unwrap();
    }
}
