//! The modules of the benchmark, in reading order; `tests.rs` tests `homes` and what it uses.

pub(crate) mod args;
pub(crate) mod child;
pub(crate) mod homes;
pub(crate) mod lab;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod pool;
pub(crate) mod report;
pub(crate) mod rng;
pub(crate) mod rollout;
pub(crate) mod rows;
pub(crate) mod thread;
pub(crate) mod yardstick;
