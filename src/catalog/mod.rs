//! The rollouts of a home: which files there are, what they are called, and which of them counts for a thread; knows no
//! database.

pub mod walk;

pub mod forms;

pub mod inventory;

pub mod absent;
pub mod names;
pub mod paths;

pub mod find;
pub mod misnamed;
