//! `'%s' % x` and `'{}'.format(x)`.

mod braces;
mod percent;
mod spec;

pub(crate) use braces::{braces, braces_map};
pub(crate) use percent::percent;
pub(crate) use spec::round_half_even;
