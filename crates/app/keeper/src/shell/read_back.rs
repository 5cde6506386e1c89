//! What a keeper reads back, for the fuzzer.

use std::path::PathBuf;

use super::KeeperError;
use super::save::Saved;
use super::upgrade::Note;
use crate::core::Core;

/// Reads the text of `apps.json` as a keeper that begins does.
pub fn read_apps(text: &[u8]) -> Result<Core, KeeperError> {
    Saved::read(PathBuf::new(), text).map(|saved| saved.apps)
}

/// Reads the text of `handover.json` as the program does that a keeper has become; whether it could.
pub fn read_handover(text: &[u8]) -> bool {
    Note::read(text).is_ok()
}
