//! What a drain does next. Pure: time and randomness are passed in, nothing is read, sent or waited for here.
//!
//! The shell asks [`Delivery::step`], does what it says, and reports what came of it with the method that is named at that
//! [`Step`]. A batch is gathered from the source, sent, and kept until the target has it:
//!
//! ```text
//!            read                    linger over, full                accepted
//!   empty ─────────> gathering ──────────────────────> sending ───────────────────────────> confirmed
//!                                                      │    ▲                                   ▲
//!                                    refused: in halves│    │busy: once more                    │ window or time over,
//!                                                      └────┘              written ──> window ──┘ or closed in order
//! ```
//!
//! **Accepted** is an answer from whoever has the events now (HTTP 2xx, a file that was synced). **Written** is all that a
//! syslog connection tells. Such events stay in the *window* until so many bytes were written after them that they cannot
//! be in a buffer any more, or until the connection has been healthy for [`Rules::settle`]. When the connection breaks
//! before that, the source goes back to the last confirmed cursor and the window is sent again.
//!
//! Refusals are of three kinds, see [`Refusal`]. What is refused for its content is halved until one event is left, which
//! is dropped and counted; what is refused whatever it holds waits on disk.

mod batch;
mod forms;
mod machine;
mod window;

pub(crate) use forms::{Answer, Refusal, Rules, Step};
pub(crate) use machine::Delivery;

#[cfg(test)]
mod tests;
