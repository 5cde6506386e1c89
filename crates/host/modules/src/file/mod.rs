//! `file`: files, directories and links.
//!
//! # How it works
//! A state looks at the path once (one `lstat`), reads the file if sizes leave it open whether it differs, and
//! compares bytes; only what differs is written. Contents are written whole, beside their place, and renamed.
//!
//! # What it never does
//! * Follow a link that somebody else may have planted: see [`place`].
//! * Leave a file readable that is declared private: new files get their owner and mode before their name.
//! * Fetch from the network.

mod accounts;
mod accumulated;
mod backup;
mod content;
pub(crate) mod hash;
mod managed;
mod permissions;
mod place;
mod put;
mod state;
mod text;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "file",
    documentation: "Files, directories and links.",
    states: &[
        state!("managed", managed::managed, managed::Managed),
        state!("absent", state::absent, state::Named),
        state!("exists", state::exists, state::Named),
        state!("missing", state::missing, state::Named),
        state!("touch", state::touch, state::Touch),
        state!("symlink", state::symlink, state::Symlink),
        state!("accumulated", accumulated::accumulated, accumulated::Accumulated),
    ],
    functions: &[],
};
