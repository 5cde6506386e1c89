//! The status page: apps, processes and what they say, in a browser, live.
//!
//! # What it is for
//! Whoever runs an app with Pinch opens the admin address and sees what the keeper knows: which apps there are and where they
//! are reached, how each process is, whether a release is taking over, and the newest lines of the logs.
//!
//! # How it works
//! [`serve`] answers on one listener, inside the router's process. A [`Source`] gives the keeper's status, the folder of logs,
//! the router's numbers and the time. The status becomes a *view* (what a person is to see, config vars left out), the view
//! becomes HTML *parts*, and a page is its parts. `/events` compares the parts with those it sent before and sends those that
//! differ; a small script puts them in their places. Without script the page is the same, and has a link that loads it again.
//!
//! | path | what |
//! |---|---|
//! | `/` | all apps |
//! | `/apps/NAME` | one app and its newest log lines |
//! | `/status.json` | the view as JSON |
//! | `/events`, `/events?app=NAME` | server-sent events: `update` and `lines` |
//! | `/healthz` | `ok` |
//!
//! # What it promises
//! * Whatever a process writes and whatever things are called arrives as text: escaped, control characters made visible, and
//!   under a content security policy that runs one script, known by its hash.
//! * It answers to loopback names, loopback addresses and the address it was reached at, so that no foreign site can have its
//!   name point here.
//! * Connections, streams, lines, and bytes that wait for a client are bounded; a client that takes nothing for
//!   [`PATIENCE`] is let go.
//!
//! # What it never does
//! Change anything (GET and HEAD only), show config vars, or load anything from elsewhere. It knows no passwords: whoever reaches the
//! address sees the page.

mod answer;
mod events;
mod host_name;
mod log_lines;
mod page;
mod patience;
mod readable;
mod server;
mod site;
mod source;
mod view;

pub use patience::PATIENCE;
pub use server::{CONNECTIONS, STREAMS, ServeError, serve};
pub use source::{Clock, RouterNumbers, RouterStatistics, Source};
