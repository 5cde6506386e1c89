//! Held against the real Salt, where there is one: `PINCH_SALT_CALL` names its `salt-call`.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::time::Instant;

use host::System;
use value::Map;

/// What differs by design, or from one call to the next.
const DIFFERENT: &[&str] = &[
    // The processes are two.
    "pid",
    // What runs Salt, not what the machine is: Pinch is no Python.
    "pythonversion",
    "pythonexecutable",
    "pythonpath",
    "saltpath",
    "zmqversion",
    // The release that is installed there may be another than the one Pinch stands for.
    "saltversion",
    "saltversioninfo",
    // Its features are known to the program alone, which is not run; the version is compared by itself.
    "systemd",
    // From the minion's configuration.
    "master",
];

#[test]
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the oracle is another program")]
fn grains_are_salts() {
    let Some(salt) = std::env::var_os("PINCH_SALT_CALL") else {
        eprintln!("skipped: PINCH_SALT_CALL names no salt-call");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(salt)
        .args(["--local", "--out=json", "--log-level=quiet", "--config-dir"])
        .arg(folder.path())
        .args(["--id=oracle", "grains.items"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs = value::json::from_text(&text).unwrap();
    let theirs = theirs.get("local").and_then(value::Value::as_map).unwrap();
    let system = System::new(std::env::vars().collect());
    // The first call also fills the caches of the kernel.
    grains::collect(&system, &system, "oracle", &Map::new());
    let start = Instant::now();
    let ours = grains::collect(&system, &system, "oracle", &Map::new());
    let took = start.elapsed();
    let version = |grains: &Map| grains.get("systemd").and_then(|systemd| systemd.get("version").cloned());
    assert_eq!(version(&ours), version(theirs));
    let mut missing = Vec::new();
    let mut other = Vec::new();
    for (name, value) in theirs.iter().filter(|(name, _)| !DIFFERENT.contains(&name.to_string().as_str())) {
        match ours.get_key(name) {
            None => missing.push(format!("{name}: {value}")),
            Some(own) if own != value => other.push(format!("{name}: {own} instead of {value}")),
            Some(_) => {}
        }
    }
    let more: Vec<String> =
        ours.keys().filter(|name| theirs.get_key(name).is_none()).map(ToString::to_string).collect();
    eprintln!("{} grains in {took:?}; Salt has {}; only ours: {more:?}", ours.len(), theirs.len());
    assert!(missing.is_empty() && other.is_empty(), "missing: {missing:#?}\nother: {other:#?}");
}
