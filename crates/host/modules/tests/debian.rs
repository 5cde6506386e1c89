//! States on real Debian trees: packages really come and go, accounts are really there afterwards.

#![expect(clippy::disallowed_methods, reason = "a test looks at the tree from outside")]

mod support;

use support::{apply, apply_here, boot, bring_about, debian};

#[test]
fn packages_come_and_go() {
    let Some(debian) = debian() else { return };
    debian.repository(&[
        ("pinch-app", "1.0", "pinch-library (>= 1)"),
        ("pinch-app", "2.0", "pinch-library (>= 1)"),
        ("pinch-library", "1.5", ""),
    ]);
    debian.run(&["apt-get", "-q", "update"]);
    let done = bring_about(&debian, "pkg.installed", r#"{"name": "pinch-app", "version": "1.*"}"#);
    let changes = value::json::to_text(&done.applied.changes.into());
    assert_eq!(
        changes,
        r#"{"pinch-app": {"new": "1.0", "old": ""}, "pinch-library": {"new": "1.5", "old": ""}}"#
    );
    assert!(debian.run(&["dpkg", "-s", "pinch-app"]).contains("Version: 1.0"));

    let done = bring_about(&debian, "pkg.latest", r#"{"name": "pinch-app"}"#);
    assert_eq!(
        done.applied.comment,
        "The following packages were successfully installed/upgraded: pinch-app"
    );
    bring_about(&debian, "pkg.held", r#"{"name": "pinch-app"}"#);
    assert_eq!(debian.run(&["apt-mark", "showhold"]), "pinch-app");
    bring_about(&debian, "pkg.unheld", r#"{"name": "pinch-app"}"#);

    // The dependency takes the dependent along, and the plan says so.
    let done = bring_about(&debian, "pkg.removed", r#"{"name": "pinch-library"}"#);
    assert!(done.planned.changes.contains("pinch-app"));
    bring_about(&debian, "pkg.purged", r#"{"name": "both", "pkgs": ["pinch-library", "pinch-app"]}"#);
    assert!(!debian.path().join("etc/pinch-app.conf").exists());

    let file = r#"{"name": "x", "sources": [{"pinch-library": "/srv/repository/pinch-library_1.5.deb"}]}"#;
    bring_about(&debian, "pkg.installed", file);

    let outcome = apply(&debian, "pkg.installed", r#"{"name": "pinch-ap", "refresh": false}"#);
    assert_eq!(outcome.comment, "Package 'pinch-ap' not found (possible matches: pinch-app)");
}

#[test]
fn accounts_are_made_and_removed() {
    let Some(debian) = debian() else { return };
    bring_about(&debian, "group.present", r#"{"name": "ops", "gid": 3000}"#);
    let bob = r#"{"name": "bob", "fullname": "Bob B", "groups": ["ops"], "shell": "/bin/bash",
                  "password": "$6$salt$hash", "maxdays": 90}"#;
    let done = bring_about(&debian, "user.present", bob);
    assert!(!format!("{:?}{:?}", done.planned, done.applied).contains("$6$salt"));
    assert_eq!(debian.run(&["id", "bob"]), "uid=1000(bob) gid=1000(bob) groups=1000(bob),3000(ops)");
    assert!(debian.run(&["getent", "shadow", "bob"]).starts_with("bob:$6$salt$hash:"));
    assert!(debian.run(&["getent", "shadow", "bob"]).contains(":0:90:7:"));
    assert_eq!(debian.run(&["stat", "-c", "%U %a", "/home/bob", "/home/bob/.bashrc"]), "bob 755\nbob 644");
    bring_about(&debian, "user.present", r#"{"name": "svc", "system": true, "createhome": false}"#);
    bring_about(
        &debian,
        "user.present",
        r#"{"name": "bob", "shell": "/bin/sh", "groups": [], "mindays": 2}"#,
    );
    assert_eq!(debian.run(&["id", "-Gn", "bob"]), "bob");
    bring_about(&debian, "group.present", r#"{"name": "ops", "members": ["bob", "svc"]}"#);
    bring_about(&debian, "group.present", r#"{"name": "ops", "delusers": ["svc"]}"#);
    assert_eq!(debian.run(&["getent", "group", "ops"]), "ops:x:3000:bob");
    bring_about(&debian, "user.absent", r#"{"name": "bob", "purge": true}"#);
    assert_eq!(debian.run(&["getent", "passwd", "bob"]), "");
    assert!(!debian.path().join("home/bob").exists());
    bring_about(&debian, "group.absent", r#"{"name": "ops"}"#);
    assert_eq!(debian.run(&["getent", "group", "ops"]), "");
}

#[test]
fn accounts_are_edited_where_there_are_no_programs() {
    let Some(debian) = debian() else { return };
    debian.run(&["rm", "/usr/sbin/useradd"]);
    bring_about(&debian, "group.present", r#"{"name": "ops"}"#);
    let amy = r#"{"name": "amy", "groups": ["ops"], "password": "$6$a$b", "fullname": "Amy"}"#;
    bring_about(&debian, "user.present", amy);
    assert_eq!(debian.run(&["id", "amy"]), "uid=1000(amy) gid=1001(amy) groups=1001(amy),1000(ops)");
    assert!(debian.run(&["getent", "shadow", "amy"]).starts_with("amy:$6$a$b:"));
    // The checker of the shadow programs finds nothing to complain about.
    assert_eq!(debian.run(&["sh", "-c", "pwck -rq; grpck -r"]), "");
    bring_about(
        &debian,
        "user.present",
        r#"{"name": "amy", "shell": "/bin/bash", "uid": 2000,
        "allow_uid_change": true}"#,
    );
    bring_about(&debian, "user.absent", r#"{"name": "amy", "purge": true}"#);
    assert_eq!(debian.run(&["sh", "-c", "pwck -rq; grpck -r"]), "");
}

#[test]
fn units_of_a_tree_are_enabled_and_crontabs_written() {
    let Some(debian) = debian() else { return };
    let enabled = |debian: &support::Debian| debian.run(&["systemctl", "is-enabled", "cron"]);
    assert_eq!(enabled(&debian), "enabled");
    bring_about(&debian, "service.disabled", r#"{"name": "cron"}"#);
    assert_eq!(enabled(&debian), "disabled");
    bring_about(&debian, "service.enabled", r#"{"name": "cron"}"#);
    assert_eq!(enabled(&debian), "enabled");
    bring_about(&debian, "service.masked", r#"{"name": "cron"}"#);
    assert_eq!(enabled(&debian), "masked");
    bring_about(&debian, "service.unmasked", r#"{"name": "cron"}"#);
    let job = r#"{"name": "/bin/backup", "minute": "random", "hour": 3, "identifier": "backup"}"#;
    bring_about(&debian, "cron.present", job);
    let listed = debian.run(&["crontab", "-l"]);
    assert!(listed.starts_with("# Lines below here are managed by Salt, do not edit"), "{listed}");
    assert!(listed.contains(" 3 * * * /bin/backup"), "{listed}");
    assert_eq!(debian.run(&["stat", "-c", "%U %G %a", "/var/spool/cron/crontabs/root"]), "root crontab 600");
}

#[test]
fn services_of_a_booted_machine_are_managed() {
    let Some(debian) = debian() else { return };
    let program = std::env::current_exe().unwrap();
    let bind = format!("{}:/usr/bin/pinch-test", program.display());
    let Some(machine) = boot(debian, &[&bind]) else { return };
    machine.run_test("inside_a_booted_machine");
}

/// What the test above runs in the tree.
#[test]
#[ignore = "runs inside a booted tree only"]
fn inside_a_booted_machine() {
    if !support::is_inside() {
        return;
    }
    let now = |function: &str, arguments: &str| {
        let outcome = apply_here(function, arguments);
        (outcome.comment.clone(), value::json::to_text(&outcome.changes.into()))
    };
    let cron = r#"{"name": "cron", "enable": true}"#;
    assert_eq!(now("service.running", cron).0, "The service cron is already running");
    assert_eq!(now("service.dead", r#"{"name": "cron"}"#).0, "Service cron was killed");
    assert_eq!(now("service.dead", r#"{"name": "cron"}"#).0, "The service cron is already dead");
    assert_eq!(now("service.masked", r#"{"name": "cron"}"#).0, "Service cron was masked");
    let masked = now("service.running", r#"{"name": "cron"}"#);
    assert!(masked.0.contains("is masked"), "{}", masked.0);
    let unmasked = now("service.running", r#"{"name": "cron", "unmask": true}"#);
    assert_eq!(unmasked.0, "Started service cron\nService cron was unmasked");

    // A unit that is new, then changed: read again without being told to.
    let unit = |script: &str| {
        let text =
            format!("[Service]\nExecStart=/bin/sh -c '{script}'\n[Install]\nWantedBy=multi-user.target\n");
        let arguments = [("name", "/etc/systemd/system/probe.service"), ("contents", &text)];
        let map: value::Map = arguments.into_iter().collect();
        now("file.managed", &value::json::to_text(&map.into()))
    };
    unit("echo the port is taken; exit 3");
    let broken = now("service.running", r#"{"name": "probe", "init_delay": 0.5, "wait": 0}"#);
    assert!(broken.0.starts_with("Service probe failed to start"), "{}", broken.0);
    assert!(broken.0.contains("the port is taken"), "{}", broken.0);
    unit("exec sleep 100");
    let started = now("service.running", r#"{"name": "probe", "enable": true}"#);
    assert_eq!(started.0, "Service probe has been enabled, and is running");
    assert_eq!(now("service.running", r#"{"name": "probe", "enable": true}"#).1, "{}");
    let missing = now("service.running", r#"{"name": "no-such-thing"}"#);
    assert_eq!(missing.0, "The named service no-such-thing is not available");
    let bob = now("user.present", r#"{"name": "bob", "password": "$6$a$b"}"#);
    assert_eq!(bob.0, "New user bob created");
    assert_eq!(now("user.present", r#"{"name": "bob", "password": "$6$a$b"}"#).1, "{}");
}
