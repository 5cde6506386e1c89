//! HTTP/1.1 as it is spoken with instances. Pure: bytes in, bytes out.
//!
//! Clients are read by hyper, which is strict where it must be. Instances are spoken to by hand, with `httparse` for heads and chunk
//! sizes, for three reasons that were measured or needed. A request's head is written straight from the client's fields, and a
//! response's fields that end here are never put into a map; with hyper on both sides that work and the hand-over between its two
//! halves were more than a third of all instructions. The bytes of a request without body stay at hand, so that it can be sent a
//! second time. And it is known whether a single byte of an answer has come.
//!
//! An instance is not an enemy, but it may be wrong: an answer of which two readers could make two different things ends the
//! connection (RFC 9112, 6.3), and so does everything that comes unasked.

mod chunked;
mod request;
mod response;

pub(crate) use chunked::{Chunks, Piece};
pub(crate) use request::{
    Framing, Origin, goes_in_circles, names, wanted_upgrade, write_chunk, write_head, write_trailers,
};
pub(crate) use response::{Head, Length, read_head};

/// What an instance sent is no HTTP, or of two minds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;
