//! What the benchmark is made of, in reading order; `homes` and what it uses is tested by `tests.rs`.

pub(crate) mod args;
pub(crate) mod child;
pub(crate) mod homes;
pub(crate) mod lab;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod pages;
pub(crate) mod pool;
pub(crate) mod report;
pub(crate) mod rng;
pub(crate) mod rollout;
pub(crate) mod rows;
pub(crate) mod thread;
pub(crate) mod yardstick;
