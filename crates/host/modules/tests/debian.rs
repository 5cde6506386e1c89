//! States on real Debian trees: packages really come and go, accounts are really there afterwards.

mod support;

use support::{apply, boot, bring_about, debian};

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
fn systemd_boots_for_tests() {
    let Some(debian) = debian() else { return };
    let Some(machine) = boot(debian, &[]) else { return };
    let (code, out, _) = machine.run(&["systemctl", "is-active", "cron"]);
    assert_eq!((code, out.trim()), (0, "active"));
}
