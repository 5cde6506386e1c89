//! What processes say: lines, events, files, drains.
