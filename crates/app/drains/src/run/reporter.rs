//! Writing down how a drain is doing.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::saved::MetricsFile;
use crate::{Metrics, State};

/// The last time may take so long.
const LAST: Duration = Duration::from_secs(1);

/// Writes it down whenever it has changed, not more often than `every`, and once more when the drain has ended. What
/// cannot be written is not missed: the cursor beside it tells its own errors.
pub(super) async fn report(file: MetricsFile, mut metrics: watch::Receiver<Metrics>, every: Duration) {
    loop {
        let now = metrics.borrow_and_update().clone();
        let over = now.state == State::Stopped;
        let (file, written) = (file.clone(), now.clone());
        let writing = spawn_blocking(move || file.save(&written));
        if over {
            let _ = timeout(LAST, writing).await;
            return;
        }
        let _ = writing.await;
        let _ = timeout(every, metrics.wait_for(|metrics| metrics.state == State::Stopped)).await;
        if metrics.wait_for(|metrics| *metrics != now).await.is_err() {
            return;
        }
    }
}
