//! What all connections share.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::log_lines;
use crate::server::STREAMS;
use crate::source::Source;
use crate::view::{Facts, View};

/// Threads that read logs for pages, at the same time.
const LOG_READERS: usize = 4;

/// What all connections share.
pub(crate) struct Site {
    pub(crate) source: Source,
    streams: Arc<Semaphore>,
    log_readers: Arc<Semaphore>,
    /// Whether the server is about to end.
    ending: watch::Receiver<bool>,
}

impl Site {
    pub(crate) fn new(source: Source, ending: watch::Receiver<bool>) -> Self {
        Self {
            source,
            streams: Arc::new(Semaphore::new(STREAMS)),
            log_readers: Arc::new(Semaphore::new(LOG_READERS)),
            ending,
        }
    }

    /// What there is to see now, for one who came by this name.
    pub(crate) fn view(&self, reached: &str) -> View {
        let status = &self.source.status;
        // An error says that the sender is gone.
        let keeper_answers = status.has_changed().is_ok();
        let facts = Facts {
            now: (self.source.clock)(),
            keeper_answers,
            router: self.source.router.as_ref().map(|numbers| numbers()),
            reached,
        };
        let status = Arc::clone(&status.borrow());
        View::new(&status, &facts)
    }

    /// A place for one more stream of events, if there is one.
    pub(crate) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// Becomes true when the server is about to end.
    pub(crate) fn ending(&self) -> watch::Receiver<bool> {
        self.ending.clone()
    }

    /// The folder of an app's logs; `None` for a name that is no plain file name.
    pub(crate) fn logs_of(&self, app: &str) -> Option<PathBuf> {
        let mut components = Path::new(app).components();
        let plain = matches!((components.next(), components.next()), (Some(Component::Normal(name)), None) if name == app);
        plain.then(|| self.source.logs.join(app))
    }

    /// The newest lines of an app's logs, as list items.
    pub(crate) async fn newest_lines(&self, app: &str) -> String {
        let Some(folder) = self.logs_of(app) else { return String::new() };
        let Ok(place) = Arc::clone(&self.log_readers).acquire_owned().await else { return String::new() };
        let read = tokio::task::spawn_blocking(move || {
            let lines = log_lines::newest(&folder);
            drop(place);
            lines
        });
        read.await.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_stay_below_their_folder() {
        let source = Source {
            status: watch::channel(Arc::default()).1,
            logs: "/logs".into(),
            router: None,
            clock: Box::new(|| 0),
        };
        let site = Site::new(source, watch::channel(false).1);
        assert_eq!(site.logs_of("shop"), Some("/logs/shop".into()));
        for name in ["", ".", "..", "../etc", "/etc", "a/b", "a/", "./a", "a/.."] {
            assert_eq!(site.logs_of(name), None, "{name:?}");
        }
    }
}
