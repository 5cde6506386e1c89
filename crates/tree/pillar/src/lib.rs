//! Pillar. In the making.
