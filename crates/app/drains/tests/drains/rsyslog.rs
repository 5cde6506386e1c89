//! A real receiver: rsyslog, in the foreground, on a port of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use drains::Dropped;

use crate::support::{Log, all_in_order, eventually, number, settings, start};
use crate::tls::authority;

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
    let mut rsyslog = Rsyslog::start(directory.path(), "", 0).await;
    let url = format!("syslog://127.0.0.1:{}", rsyslog.port);
    let mut running = start(&[&url], settings(directory.path()), &log);
    running.until(0, "half sent", |metrics| metrics.sent.events >= COUNT / 2).await;
    // A receiver that is restarted in the middle.
    rsyslog.stop();
    let mut rsyslog = Rsyslog::start(directory.path(), "", rsyslog.port).await;
    running.until(0, "all sent", |metrics| metrics.sent.events == COUNT && metrics.lag.bytes == 0).await;
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    assert_eq!((metrics.unconfirmed, metrics.dropped), (0, Dropped::default()));
    let lines = rsyslog.received("yyyyyyyyyy").await;
    rsyslog.stop();
    let numbers: Vec<_> = lines.iter().map(|line| number(message(line))).collect();
    let twice = all_in_order(&numbers, COUNT);
    println!("rsyslog received {COUNT} events in order, {twice} of them twice after its restart");
    let head = "host.example.com guestbook web.1";
    let stdout = format!("14 {head} stdout [origin software=\"guestbook\" swVersion=\"v7\"]|0 x");
    assert!(lines[0].starts_with(&stdout), "{}", lines[0]);
    assert!(lines[9].starts_with(&format!("11 {head} stderr ")), "{}", lines[9]);
    let [.., several, long] = &lines[..] else { panic!("no lines") };
    assert_eq!(message(long).len(), 50_005, "longer than other receivers take, whole");
    // rsyslog itself writes control characters as #ooo.
    assert_eq!(message(several), format!("{} first line#012  second line, naïve", COUNT - 2));
}

#[tokio::test]
async fn ten_thousand_events_arrive_at_rsyslog_over_tls() {
    let driver = ["x86_64", "aarch64"].map(|cpu| format!("/usr/lib/{cpu}-linux-gnu/rsyslog/lmnsd_gtls.so"));
    if !Path::new(PROGRAM).exists() || !driver.iter().any(|driver| Path::new(driver).exists()) {
        println!("left out: rsyslog-gnutls is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let ours = authority(directory.path(), "ca.pem", "127.0.0.1");
    let options = format!(
        r#"StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"
           StreamDriver.CAFile="{}" StreamDriver.CertFile="{}" StreamDriver.KeyFile="{}""#,
        ours.file.display(),
        ours.certificate.display(),
        ours.key.display(),
    );
    let mut rsyslog = Rsyslog::start(directory.path(), &options, 0).await;
    let url = format!("syslog+tls://127.0.0.1:{}?bom=no&ca={}", rsyslog.port, ours.file.display());
    let mut running = start(&[&url], settings(directory.path()), &Log::with(COUNT, 100));
    running.until(0, "all sent", |metrics| metrics.sent.events == COUNT && metrics.lag.bytes == 0).await;
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    // rsyslog closes without a goodbye of TLS, which is as good as a broken connection: the next process would send it again.
    assert_eq!((metrics.unconfirmed, metrics.retried), (COUNT, 0));
    let lines = rsyslog.received(&format!("|{} xxx", COUNT - 1)).await;
    rsyslog.stop();
    let numbers: Vec<_> = lines.iter().map(|line| number(message(line))).collect();
    assert_eq!(all_in_order(&numbers, COUNT), 0);
}

/// What a line says; rsyslog takes the byte order mark for a part of it.
fn message(line: &str) -> &str {
    line.split_once('|').unwrap_or_else(|| panic!("{line}")).1.trim_start_matches('\u{feff}')
}

struct Rsyslog {
    child: Child,
    port: u16,
    output: PathBuf,
}

impl Rsyslog {
    /// Starts it with these options of its input, at a port of its own choice (0) or this one.
    async fn start(directory: &Path, options: &str, port: u16) -> Self {
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
      supportOctetCountedFraming="on" {options})
"#
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
        let mut rsyslog = Self { child, port, output: directory.join("received") };
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

    /// The lines that it wrote, once the last one says this.
    async fn received(&self, last: &str) -> Vec<String> {
        let text = || std::fs::read_to_string(&self.output).unwrap_or_default();
        let complete = |text: &str| {
            text.ends_with('\n') && text.lines().next_back().is_some_and(|line| line.contains(last))
        };
        eventually("the last event", || complete(&text())).await;
        text().lines().map(str::to_owned).collect()
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
