//! Saving a cursor now and then.

use std::time::Duration;

use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::saved::CursorFile;

/// Saves a drain's cursor.
#[derive(Debug)]
pub(super) struct Saver {
    file: CursorFile,
    /// What the file holds, as far as this process knows.
    content: Vec<u8>,
    tried_at: Duration,
}

impl Saver {
    pub(super) fn new(file: CursorFile) -> Self {
        Self { file, content: Vec::new(), tried_at: Duration::ZERO }
    }

    pub(super) fn file(&self) -> &CursorFile {
        &self.file
    }

    /// When a save was last tried.
    pub(super) fn tried_at(&self) -> Duration {
        self.tried_at
    }

    /// Saves the cursor unless it is what was saved last.
    pub(super) async fn save<C: Serialize>(&mut self, cursor: &C, now: Duration) -> Result<(), String> {
        self.tried_at = now;
        let content = CursorFile::content(cursor).map_err(|error| error.to_string())?;
        if content == self.content {
            return Ok(());
        }
        let file = self.file.clone();
        let saving = spawn_blocking(move || file.save(&content).map(|()| content));
        self.content = saving.await.map_err(|panic| panic.to_string())?.map_err(|error| error.to_string())?;
        Ok(())
    }
}
