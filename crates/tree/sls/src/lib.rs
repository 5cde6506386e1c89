//! From SLS to ordered low state.
//!
//! In the making.
