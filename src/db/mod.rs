//! SQLite, and all of it: the only folder that names `rusqlite`; not what the rows mean (that is `thread/`).

pub mod backup;
pub mod open;
#[cfg(test)]
mod testing;
