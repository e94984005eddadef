//! How a home is gone through: many rollouts read in parallel, each compared with its row; writes and judges nothing.

pub mod comparison;
pub mod scan;
pub mod select;
