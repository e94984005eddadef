//! The rollouts of a home: finds the files, parses their names, and chooses one of them for each thread. It knows no
//! database.

pub mod rollout_file;
pub mod walk;

pub mod forms;

pub mod inventory;

pub mod absent;
pub mod names;
pub mod paths;

pub mod find;
pub mod misnamed;
