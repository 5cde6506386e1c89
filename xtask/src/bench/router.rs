//! The router beside nginx and haproxy as reverse proxies of one app, in turns in one run. All of them, the app (nginx with a
//! file) and the load (wrk) share the machine: compare the ratios, and CPU per request before requests per second.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Options;
use super::measure::middle;
use super::scenarios::Figure;
use super::system;
use crate::{Failure, process};

/// Which requests: what they are called, their path, whether connections are kept.
const CASES: &[(&str, &str, bool)] = &[
    ("1 KB, kept", "/1k", true),
    ("100 KB, kept", "/100k", true),
    ("1 KB, closed", "/1k", false),
    ("100 KB, closed", "/100k", false),
];
/// Connections kept without a request. haproxy needs two descriptors for each.
const IDLE: usize = 9_800;
/// How long idle connections rest before memory is looked at.
const REST: Duration = Duration::from_secs(4);

/// One proxy: a process and where it listens.
struct Proxy {
    name: &'static str,
    child: Child,
    address: SocketAddr,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx ends its workers when it is asked to, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// What one run of wrk found.
struct Found {
    requests_per_second: f64,
    /// Milliseconds for 99 of 100 requests.
    slow: f64,
    /// CPU seconds of the proxy for 100,000 requests.
    cpu: f64,
}

/// Measures.
pub(super) fn run(folder: &Path, options: &Options) -> Result<Vec<Figure>, Failure> {
    for program in ["nginx", "haproxy", "wrk"] {
        if !process::installed(program) {
            return Err(format!("{program} is missing; apt-get install nginx-light haproxy wrk").into());
        }
    }
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let front = built_front()?;
    let app = start_app(folder)?;
    let mut figures = Vec::new();
    let proxies = [
        start_nginx(folder, app.address)?,
        start_haproxy(folder, app.address)?,
        start_front(&front, app.address)?,
    ];
    let (seconds, rounds) = if options.quick { (1, 2) } else { (3, 5) };
    for case in CASES {
        figures.extend(measure_case(&proxies, case, seconds, rounds)?);
    }
    drop(proxies);
    for proxy in [
        start_nginx(folder, app.address)?,
        start_haproxy(folder, app.address)?,
        start_front(&front, app.address)?,
    ] {
        let bytes = idle_memory(&proxy)?;
        let figure = Figure::new(format!("idle connection: {}", proxy.name), bytes, "bytes");
        figures.push(if proxy.name == "router" { figure.at_most(3072.0) } else { figure });
    }
    Ok(figures)
}

fn built_front() -> Result<PathBuf, Failure> {
    let build = ["build", "--release", "--quiet", "--package", "router", "--example", "front"];
    process::run(&mut process::cargo(&build))?;
    Ok(process::target_folder().join("x86_64-unknown-linux-gnu/release/examples/front"))
}

/// Every proxy in turn, so that all see the same machine; medians of the rounds and of their ratios to nginx.
fn measure_case(
    proxies: &[Proxy],
    (case, path, kept): &(&str, &str, bool),
    seconds: u64,
    rounds: usize,
) -> Result<Vec<Figure>, Failure> {
    let mut found: Vec<Vec<Found>> = proxies.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for turn in 0..proxies.len() {
            let place = (round + turn) % proxies.len();
            found[place].push(load(&proxies[place], path, *kept, seconds)?);
        }
    }
    let mut figures = Vec::new();
    for (proxy, runs) in proxies.iter().zip(&found) {
        let name = |what: &str| format!("{case}: {}, {what}", proxy.name);
        let plain = |value: fn(&Found) -> f64| middle(runs.iter().map(value).collect());
        let ratio = |value: fn(&Found) -> f64| {
            middle(runs.iter().zip(&found[0]).map(|(one, nginx)| value(one) / value(nginx)).collect())
        };
        figures.push(Figure::new(name("requests"), plain(|run| run.requests_per_second), "/s"));
        figures.push(Figure::new(name("99 of 100 within"), plain(|run| run.slow), "ms"));
        figures.push(Figure::new(name("CPU for 100,000"), plain(|run| run.cpu), "s"));
        if proxy.name == "router" {
            figures.push(
                Figure::new(name("requests to nginx's"), ratio(|run| run.requests_per_second), "x")
                    .at_least(1.0),
            );
            figures.push(Figure::new(name("99 of 100 to nginx's"), ratio(|run| run.slow), "x").at_most(1.1));
            figures.push(Figure::new(name("CPU to nginx's"), ratio(|run| run.cpu), "x").at_most(1.0));
        }
    }
    Ok(figures)
}

/// One run of wrk: one thread, 64 connections.
fn load(proxy: &Proxy, path: &str, kept: bool, seconds: u64) -> Result<Found, Failure> {
    let before = cpu(proxy.child.id());
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c64", "--latency", &format!("-d{seconds}s")]);
    if !kept {
        wrk.args(["-H", "Connection: close"]);
    }
    let text = process::output(wrk.arg(format!("http://{}{path}", proxy.address)))?;
    let word = |before: &str, after: &str| {
        let line = text.lines().find(|line| line.contains(before) && line.contains(after))?;
        line.split_whitespace()
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()) && *word != before)
    };
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        return Err(format!("{}: requests failed\n{text}", proxy.name).into());
    }
    let requests: f64 = word("requests in", "").ok_or("wrk counted no requests")?.parse()?;
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).ok_or("wrk says no rate")?;
    Ok(Found {
        requests_per_second: rate.trim().parse()?,
        slow: milliseconds(word("99%", "").ok_or("wrk says no times")?)
            .ok_or("a time of wrk without unit")?,
        cpu: (cpu(proxy.child.id()) - before) / requests * 100_000.0,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    let number = |end: &str| text.strip_suffix(end)?.parse::<f64>().ok();
    number("us").map(|us| us / 1000.0).or_else(|| number("ms")).or_else(|| number("s").map(|s| s * 1000.0))
}

/// CPU seconds of a process and those below it.
fn cpu(process: u32) -> f64 {
    system::cpu(process) + system::children(process).into_iter().map(cpu).sum::<f64>()
}

/// By how many bytes a connection that is kept after one request makes the proxy larger.
fn idle_memory(proxy: &Proxy) -> Result<f64, Failure> {
    ask(&mut TcpStream::connect(proxy.address)?)?;
    let before = resident(proxy.child.id())?;
    let mut idle = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut connection = TcpStream::connect(proxy.address)?;
        ask(&mut connection)?;
        idle.push(connection);
    }
    thread::sleep(REST);
    let after = resident(proxy.child.id())?;
    ask(idle.last_mut().ok_or("no connection")?)?;
    Ok((after - before) / IDLE as f64)
}

/// One request, and its whole response of 1 KB.
fn ask(connection: &mut TcpStream) -> Result<(), Failure> {
    connection.write_all(b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut buffer = [0; 4096];
    let mut read = 0;
    while read < 1024 {
        match connection.read(&mut buffer)? {
            0 => return Err("the proxy closed a connection".into()),
            more => read += more,
        }
    }
    Ok(())
}

/// Proportional set size of a process and those below it, in bytes.
fn resident(process: u32) -> Result<f64, Failure> {
    let own = system::proportional_size(process)?;
    system::children(process).into_iter().try_fold(own, |sum, child| Ok(sum + resident(child)?))
}

fn start_app(folder: &Path) -> Result<Proxy, Failure> {
    let files = folder.join("files");
    fs::create_dir_all(&files)?;
    fs::write(files.join("1k"), vec![b'x'; 1024])?;
    fs::write(files.join("100k"), vec![b'x'; 100 * 1024])?;
    let server = format!("root {};", files.display());
    start_an_nginx(folder, "app", 1, "open_file_cache max=10; sendfile on;", &server)
}

fn start_nginx(folder: &Path, app: SocketAddr) -> Result<Proxy, Failure> {
    let upstream = format!("upstream app {{ server {app}; keepalive 128; keepalive_requests 1000000000; }}");
    let server = "location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
                  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;\n\
                  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id; }";
    start_an_nginx(folder, "nginx", 2, &upstream, server)
}

fn start_an_nginx(
    folder: &Path,
    name: &'static str,
    workers: usize,
    http: &str,
    server: &str,
) -> Result<Proxy, Failure> {
    let address = free_address()?;
    let configuration = folder.join(format!("{name}.conf"));
    let text = format!(
        "worker_processes {workers}; daemon off; pid {}; error_log /dev/null;\nevents {{ worker_connections 16384; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; tcp_nodelay on;\n{http}\n\
         server {{ listen {address} backlog=4096; {server} }} }}\n",
        folder.join(format!("{name}.pid")).display(),
    );
    fs::write(&configuration, text)?;
    start(name, Command::new("nginx").arg("-c").arg(configuration), address)
}

fn start_haproxy(folder: &Path, app: SocketAddr) -> Result<Proxy, Failure> {
    let address = free_address()?;
    let configuration = folder.join("haproxy.cfg");
    let text = format!(
        "global\n nbthread 2\n maxconn 9900\ndefaults\n mode http\n timeout connect 5s\n timeout client 600s\n timeout server 60s\n \
         option forwardfor\n http-reuse always\nfrontend front\n bind {address} backlog 4096\n default_backend app\n\
         backend app\n server app {app}\n"
    );
    fs::write(&configuration, text)?;
    start("haproxy", Command::new("haproxy").arg("-db").arg("-f").arg(configuration), address)
}

fn start_front(front: &Path, app: SocketAddr) -> Result<Proxy, Failure> {
    let address = free_address()?;
    let mut command = Command::new(front);
    start("router", command.args([address.to_string(), app.to_string()]).stdin(Stdio::piped()), address)
}

fn start(name: &'static str, command: &mut Command, address: SocketAddr) -> Result<Proxy, Failure> {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let proxy = Proxy { name, child, address };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > Duration::from_secs(10) {
            return Err(format!("{name} does not listen on {address}").into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(proxy)
}

fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(milliseconds("1.50ms"), Some(1.5));
        assert_eq!(milliseconds("250us"), Some(0.25));
        assert_eq!(milliseconds("2s"), Some(2000.0));
        assert_eq!(milliseconds("2"), None);
    }
}
