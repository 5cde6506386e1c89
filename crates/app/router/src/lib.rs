//! The front door: HTTP to the ready instances, without a gap.
