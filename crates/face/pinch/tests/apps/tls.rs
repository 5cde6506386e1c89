//! A certificate at `up`: clients over TLS, from the first to one that comes after a keeper was killed.

use std::fs;

use super::home::{Ended, Home, port, run, text, until};

const PROCFILE: &str = "web: exec python3 -m http.server $PORT --bind 127.0.0.1\n";

/// Writes a new certificate for `localhost` and its key.
fn certify(home: &Home) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let key = home.write("key.new", &made.signing_key.serialize_pem());
    let certificate = home.write("certificate.new", &made.cert.pem());
    let (certificate_path, key_path) = (home.path("certificate.pem"), home.path("key.pem"));
    fs::rename(key, &key_path).unwrap();
    fs::rename(certificate, &certificate_path).unwrap();
    (text(&certificate_path), text(&key_path))
}

/// Asks for the page; on standard output: what it holds, and the version of HTTP.
fn ask(trusted: &str, address: &str, version: &str) -> Ended {
    let url = format!("https://localhost:{}/index.html", port(address));
    run("curl", &["-sS", "--max-time", "10", version, "--cacert", trusted, "-w", "%{http_version}", &url])
}

fn shop() -> Home {
    let home = Home::new(PROCFILE);
    home.write("shop/index.html", "hello over HTTP/");
    home
}

/// Starts the app with a certificate; where it answers over TLS.
fn up(home: &Home, certificate: &str, key: &str) -> String {
    home.up(&["--tls-certificate", certificate, "--tls-key", key, "--listen-tls", "127.0.0.1:0"]);
    home.status()["tls"][0]["address"].as_str().unwrap().to_string()
}

#[test]
fn an_app_answers_over_tls_and_shows_a_new_certificate() {
    let home = shop();
    let (certificate, key) = certify(&home);
    let tls = up(&home, &certificate, &key);
    for (version, shown) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let answer = ask(&certificate, &tls, version);
        assert_eq!(answer.stdout, format!("hello over HTTP/{shown}"), "{answer:?}");
    }
    assert!(home.done(&["ps"]).contains(&format!("  https://localhost:{}/\n", port(&tls))));

    let old = home.path("old.pem");
    fs::copy(&certificate, &old).unwrap();
    certify(&home);
    until("new connections see the new certificate", || ask(&certificate, &tls, "--http2").code == Some(0));
    // 60: the certificate is none that curl knows.
    assert_eq!(ask(&text(&old), &tls, "--http2").code, Some(60));

    home.done(&["upgrade"]);
    assert_eq!(ask(&certificate, &tls, "--http2").stdout, "hello over HTTP/2", "after an upgrade");

    assert_eq!(run("kill", &[&home.status()["pid"].to_string()]).code, Some(0));
    until("the keeper ends", || home.pinch(&["ps"]).code == Some(2));
    home.done(&["up", "-d"]);
    until("the next keeper listens there again", || ask(&certificate, &tls, "--http2").code == Some(0));
    let saved = fs::read_to_string(home.path("home/state/apps.json")).unwrap();
    assert!(saved.contains("certificate.pem") && !saved.contains("PRIVATE KEY"), "paths, and no key");
}

#[test]
fn another_certificate_at_the_same_address_takes_over() {
    let home = shop();
    let (certificate, key) = certify(&home);
    let tls = up(&home, &certificate, &key);
    let (first, first_key) = (text(&home.path("first.pem")), text(&home.path("first-key.pem")));
    fs::rename(&certificate, &first).unwrap();
    fs::rename(&key, &first_key).unwrap();
    certify(&home);
    let options = ["--tls-certificate", &first, "--tls-key", &first_key];
    let plan = home.done(&[&["up", "--dry-run"], &options[..]].concat());
    let change = format!("certificate at {tls}: {certificate} with {key} -> {first} with {first_key}\n");
    assert!(plan.contains(&change), "{plan}");
    home.done(&[&["up", "-d"], &options[..]].concat());
    until("the certificate that was named is shown", || ask(&first, &tls, "--http2").code == Some(0));
    let plan = home.done(&[&["up", "--dry-run"], &options[..]].concat());
    assert!(!plan.contains("certificate at"), "{plan}");
}

#[test]
fn files_that_cannot_be_used_are_told_before_anything_is_started() {
    let home = shop();
    let (certificate, key) = certify(&home);
    let other = home.write("other.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    let missing = text(&home.path("missing.pem"));
    let cases: [(&[&str], &str, &str); 5] = [
        (&["--tls-certificate", &certificate], "--tls-certificate alone is not enough", "add --tls-key FILE"),
        (&["--tls-key", &key], "--tls-key alone is not enough", "add --tls-certificate FILE"),
        (
            &["--listen-tls", "127.0.0.1:0"],
            "--listen-tls alone is not enough",
            "add --tls-certificate FILE and",
        ),
        (
            &["--tls-certificate", &certificate, "--tls-key", &missing],
            "missing.pem: No such file",
            "that you may read",
        ),
        (
            &["--tls-certificate", &certificate, "--tls-key", &other],
            "other.pem: does not fit the certificate",
            "the key it was made for",
        ),
    ];
    for (options, what, hint) in cases {
        let ended = home.pinch(&[&["up", "-d"], options].concat());
        assert_eq!(ended.code, Some(1), "{options:?}: {ended:?}");
        assert!(ended.stderr.contains(what) && ended.stderr.contains(hint), "{options:?}: {}", ended.stderr);
    }
    assert!(!home.path("home").exists(), "no keeper was started");
}
