//! What only `unsafe` code can say to the kernel; no other crate may hold any.
//!
//! # What it is for
//! [`give_back_program`]: a process that runs for months keeps mapped what its first milliseconds needed of a large
//! binary. The keeper gives that back once it has started. [`heap_in_large_pages`]: a command that compiles a tree fills
//! memory with small values once and ends; it asks for that memory in few large pieces. [`defer_accept`]: most connections
//! of clients bring their request along; the router is woken once for both.
//!
//! # How it works
//! One file a request, each with the reason why it is sound beside the block that needs it, and a safe function around it.
//!
//! # What it promises
//! Nothing that a caller does with the safe functions can break memory safety.
//!
//! # What it never does
//! Decide anything, or hold `unsafe` that the standard library or rustix has a safe form for.
#![allow(
    clippy::disallowed_methods,
    reason = "an edge crate: it asks the kernel about this process and its sockets"
)]

mod accept;
mod heap;
mod program;

pub use accept::defer_accept;
pub use heap::heap_in_large_pages;
pub use program::give_back_program;
