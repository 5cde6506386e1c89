//! A real receiver: rsyslog, in the foreground, on a port of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Log, all_in_order, eventually, number, settings, start};

const PROGRAM: &str = "/usr/sbin/rsyslogd";

/// How many events it gets.
const COUNT: u64 = 10_000;

#[tokio::test]
async fn ten_thousand_events_arrive_at_rsyslog_in_order() {
    if !Path::new(PROGRAM).exists() {
        println!("left out: rsyslog is not installed ({PROGRAM})");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let log = Log::with(COUNT - 2, 100);
    log.say(format!("{} first line\n  second line, naïve", COUNT - 2));
    log.say(format!("{} {}", COUNT - 1, "y".repeat(50_000)));
    let mut rsyslog = Rsyslog::start(directory.path()).await;
    let url = format!("syslog://127.0.0.1:{}", rsyslog.port);
    let mut running = start(&[&url], settings(directory.path()), &log);
    running.until(0, "half sent", |metrics| metrics.sent.events >= COUNT / 2).await;
    // A receiver that is restarted in the middle.
    rsyslog.stop();
    let mut rsyslog = Rsyslog::start_at(directory.path(), Some(rsyslog.port)).await;
    running.until(0, "all sent", |metrics| metrics.sent.events == COUNT).await;
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    assert_eq!((metrics.unconfirmed, metrics.dropped), (0, drains::Dropped::default()));
    let output = directory.path().join("received");
    let text = || String::from_utf8(std::fs::read(&output).unwrap_or_default()).unwrap();
    eventually("the last event", || text().ends_with(&format!("{}\n", "y".repeat(100)))).await;
    rsyslog.stop();
    let text = text();
    let lines: Vec<_> = text.lines().collect();
    // rsyslog takes the byte order mark for a part of the message.
    let message = |line: &str| line.split_once('|').unwrap().1.trim_start_matches('\u{feff}').to_owned();
    let numbers: Vec<_> = lines.iter().map(|line| number(&message(line))).collect();
    let twice = all_in_order(&numbers, COUNT);
    println!("rsyslog received {COUNT} events in order, {twice} of them twice after its restart");
    assert!(lines[0].starts_with(
        "14 host.example.com guestbook web.1 stdout [origin software=\"guestbook\" swVersion=\"v7\"]|0 x"
    ));
    assert!(lines[9].starts_with("11 host.example.com guestbook web.1 stderr "));
    let long = lines[lines.len() - 1];
    assert_eq!(long.split_once('|').unwrap().1.len(), 50_005, "longer than other receivers take, whole");
    // rsyslog itself writes control characters as #ooo.
    assert!(
        lines[lines.len() - 2].ends_with("first line#012  second line, naïve"),
        "{}",
        lines[lines.len() - 2]
    );
}

struct Rsyslog {
    child: Child,
    port: u16,
}

impl Rsyslog {
    async fn start(directory: &Path) -> Self {
        Self::start_at(directory, None).await
    }

    async fn start_at(directory: &Path, port: Option<u16>) -> Self {
        let place = directory.display();
        let configuration = directory.join("rsyslog.conf");
        let port_file = directory.join("port");
        let _ = std::fs::remove_file(&port_file);
        let text = format!(
            r#"global(workDirectory="{place}" maxMessageSize="64k")
module(load="imtcp")
template(name="line" type="string" string="%PRI% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA%|%msg%\n")
ruleset(name="all" queue.type="Direct") {{ action(type="omfile" file="{place}/received" template="line") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all" listenPortFileName="{place}/port"
      supportOctetCountedFraming="on")
"#,
            port = port.unwrap_or(0),
        );
        std::fs::write(&configuration, text).unwrap();
        let child = Command::new(PROGRAM)
            .args([
                "-n",
                "-f",
                configuration.to_str().unwrap(),
                "-i",
                directory.join("pid").to_str().unwrap(),
            ])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut rsyslog = Self { child, port: port.unwrap_or(0) };
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert!(rsyslog.child.try_wait().unwrap().is_none(), "rsyslog ended");
            // It writes this file only when it chose the port itself.
            if let Ok(port) = std::fs::read_to_string(&port_file).unwrap_or_default().trim().parse() {
                rsyslog.port = port;
            }
            if rsyslog.port != 0 && std::net::TcpStream::connect(("127.0.0.1", rsyslog.port)).is_ok() {
                return rsyslog;
            }
        }
        panic!("rsyslog does not listen");
    }

    /// SIGTERM, and its end.
    fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.stop();
    }
}
