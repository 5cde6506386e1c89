//! From what is declared to what runs.

use report::Problems;

use crate::LowChunk;
use crate::high::HighState;

impl HighState {
    /// Applies `extend`, the `_in` requisites, `use` and `exclude`, in Salt's order. What runs is the
    /// [`low`](Self::low) of the result; with an error among the problems nothing should.
    pub fn complete(mut self, problems: &mut Problems) -> Self {
        self.join_extensions(problems);
        self.join_requisites_in(problems);
        self.apply_exclusions();
        self
    }

    /// The low chunks that run: [`complete`](Self::complete), then [`low`](Self::low).
    pub fn low_full(&self, problems: &mut Problems) -> Vec<LowChunk> {
        self.clone().complete(problems).low()
    }
}
