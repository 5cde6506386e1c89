//! A browser that is told what to do through its DevTools protocol, over a pair of pipes.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::DEADLINE;

/// A headless Chromium with one empty page.
pub struct Browser {
    child: Child,
    orders: ChildStdin,
    messages: mpsc::Receiver<Value>,
    /// Events that nobody has asked for yet.
    events: VecDeque<Value>,
    session: Option<String>,
    number: u64,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        // Its pipes are descriptors 3 and 4; a shell puts them there.
        let script = "exec chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
            --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
            --disable-extensions --hide-scrollbars --remote-debugging-pipe --user-data-dir=\"$1\" about:blank \
            3<&0 4>&1 0</dev/null 1>/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(profile.path())
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || {
            for message in answers.split(0) {
                let Ok(message) = message else { break };
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            orders,
            messages,
            events: VecDeque::new(),
            session: None,
            number: 0,
            _profile: profile,
        };
        browser.attach();
        browser
    }

    /// Takes hold of a new page.
    fn attach(&mut self) {
        let target = self.tell("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = self.tell("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = attached["sessionId"].as_str().map(Into::into);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            self.tell(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Gives an order and waits for what comes of it.
    pub fn tell(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut order = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            order["sessionId"] = session.as_str().into();
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        loop {
            let message = self.receive(method);
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn receive(&self, what_for: &str) -> Value {
        self.messages.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("{what_for}: {error}"))
    }

    /// Waits for an event.
    pub fn wait_for(&mut self, method: &str) -> Value {
        if let Some(index) = self.events.iter().position(|event| event["method"] == method) {
            return self.events.remove(index).unwrap()["params"].clone();
        }
        loop {
            let message = self.receive(method);
            if message["method"] == method {
                return message["params"].clone();
            }
            self.events.push_back(message);
        }
    }

    /// What the browser has complained about since the last call: errors, policy violations, exceptions.
    pub fn complaints(&mut self) -> Vec<String> {
        self.evaluate("0");
        let of_complaint = |event: &Value| match event["method"].as_str() {
            Some("Log.entryAdded") => Some(event["params"]["entry"]["text"].to_string()),
            Some("Runtime.exceptionThrown") => Some(event["params"]["exceptionDetails"].to_string()),
            Some("Network.loadingFailed") if event["params"]["canceled"] != true => {
                Some(event["params"].to_string())
            }
            _ => None,
        };
        self.events.drain(..).filter_map(|event| of_complaint(&event)).collect()
    }

    pub fn open(&mut self, url: &str) {
        self.events.retain(|event| event["method"] != "Page.loadEventFired");
        self.tell("Page.navigate", json!({ "url": url }));
        self.wait_for("Page.loadEventFired");
    }

    /// The value of an expression.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let outcome = self.tell("Runtime.evaluate", parameters);
        assert!(outcome["exceptionDetails"].is_null(), "{expression}: {}", outcome["exceptionDetails"]);
        outcome["result"]["value"].clone()
    }

    /// The text that a person sees, spaces and line breaks each as one space.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != true {
            assert!(start.elapsed() < DEADLINE, "never true: {expression}\n{}", self.text("body"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A window of that many CSS pixels, in light or dark.
    pub fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.tell("Emulation.setDeviceMetricsOverride", metrics);
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.tell("Emulation.setEmulatedMedia", media);
    }

    /// A picture of what is in the window, as PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        use base64::Engine as _;
        let data = self.tell("Page.captureScreenshot", json!({ "format": "png" }))["data"].clone();
        base64::prelude::BASE64_STANDARD.decode(data.as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
