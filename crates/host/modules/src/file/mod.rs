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
mod clean;
pub(crate) mod content;
mod copy;
mod directory;
mod edit;
mod exec;
pub(crate) mod hash;
mod lines;
mod managed;
pub(crate) mod permissions;
pub(crate) mod place;
mod put;
mod recurse;
mod state;
mod text;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "file",
    documentation: "Files, directories and links.",
    states: &[
        state!("managed", managed::managed, managed::Managed),
        state!("directory", directory::directory, directory::Directory),
        state!("recurse", recurse::recurse, recurse::Recurse),
        state!("replace", edit::replace, edit::Replace),
        state!("blockreplace", edit::blockreplace, edit::Block),
        state!("copy", copy::copy, copy::Copy),
        state!("rename", copy::rename, copy::Rename),
        state!("append", lines::append, lines::Append),
        state!("absent", state::absent, state::Named),
        state!("exists", state::exists, state::Named),
        state!("missing", state::missing, state::Named),
        state!("touch", state::touch, state::Touch),
        state!("symlink", state::symlink, state::Symlink),
        state!("accumulated", accumulated::accumulated, accumulated::Accumulated),
    ],
    functions: &[
        execution!("file_exists", exec::file_exists, exec::At),
        execution!("directory_exists", exec::directory_exists, exec::At),
        execution!("is_link", exec::is_link, exec::At),
        execution!("readlink", exec::readlink, exec::At),
        execution!("readdir", exec::readdir, exec::At),
        execution!("read", exec::read, exec::At),
        execution!("get_mode", exec::get_mode, exec::At),
        execution!("get_user", exec::get_user, exec::At),
        execution!("get_group", exec::get_group, exec::At),
        execution!("get_hash", exec::get_hash, exec::Hash),
        execution!("contains", exec::contains, exec::Contains),
        execution!("dirname", exec::dirname, exec::At),
        execution!("basename", exec::basename, exec::At),
        execution!("remove", exec::remove, exec::At),
    ],
};
