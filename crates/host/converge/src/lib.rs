//! From a tree to a converged machine.
//!
//! # What it is for
//! A [`Session`] puts together what a run needs: the minion with its grains and pillar, the renderer, the tree. It
//! compiles SLS to a [`Program`] (low chunks in order, each with its requisites resolved) and [runs](run()) it on the
//! minion's host. On the real machine that converges it; on an overlay the very same run is a plan.
//!
//! # How it works
//! Step by step: [`decide()`] says from the results so far whether a state runs, is skipped, or fails; guards are
//! asked; the arguments are read into the function's declared struct; the function looks and acts; what it
//! changed on the host is cut from the journal and kept with its result. A `prereq` looks ahead: the later state is
//! run on an overlay of its own. What listens runs at the end.
//!
//! # What it promises
//! * Results, comments and keys are Salt's.
//! * A state whose end only the run can tell is marked unknown under a plan, and so is what stands behind it.
//! * Every problem of a run is reported together, each at its line.
//!
//! # What it never does
//! Touch the machine itself: it has no other way to it than the host.

mod accuracy;
mod decide;
mod observe;
mod program;
mod result;
mod retry;
mod run;
mod session;
mod templates;

pub use accuracy::{Accuracy, compare};
pub use decide::{Decision, Requisite, Seen, decide};
pub use observe::{Observer, Unobserved};
pub use program::{Edge, Listener, Program, Step};
pub use result::{Counts, RunReport, StateResult};
pub use run::{RunOptions, run};
pub use session::{Selection, Session, Setup};
