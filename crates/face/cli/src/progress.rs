//! A line on standard error that tells what is being done, while it is being done.

use converge::{Observer, StateResult};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress of a run.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A line on standard error; nothing when that is no terminal.
    pub(crate) fn new(visible: bool) -> Self {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:24.cyan/blue} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn starting(&mut self, number: usize, total: usize, function: &str, name: &str) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(number as u64);
        self.bar.set_message(format!("{function} {}", crate::output::harmless(name)));
    }

    fn finished(&mut self, _result: &StateResult) {
        if !self.bar.is_hidden() {
            self.bar.inc(1);
        }
    }
}
