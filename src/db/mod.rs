//! SQLite, and all of it: the only folder that names `rusqlite`; not what the rows mean (that is `thread/`).

pub mod open;
#[cfg(test)]
mod testing;
