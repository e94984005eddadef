//! The command line: the only part that knows of arguments, streams, terminals, the environment and the clock.

pub mod text;
