//! An app at one number: process types, config vars, and how one release takes over from another.
