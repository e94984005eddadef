//! The exit statuses. Only `main` ends the process with one.

use std::process::ExitCode;

/// The result of a command, as in `diff` and `grep`. A greater one is worse: see [`Exit::merge`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// 0: done, also with an empty list; for `verify`: database and files agree.
    #[default]
    Done = 0,
    /// 1: the answer is no, or not everything could be done; standard error names the rest.
    Not = 1,
    /// 2: trouble: the command line is wrong, or the command could not run.
    Trouble = 2,
    /// 130: interrupted; committed changes stay, and running the command again continues.
    Interrupted = 130,
}

impl Exit {
    /// All statuses, the best first.
    pub const ALL: [Self; 4] = [Self::Done, Self::Not, Self::Trouble, Self::Interrupted];

    /// Returns the number that the caller of the program sees.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Returns the meaning of the number, for help and man page.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; also for an empty list; for verify: database and files agree",
            Self::Not => {
                "the answer is no, or not everything could be done: verify found drift; there is no such thread; some \
                 items failed and are named on standard error"
            }
            Self::Trouble => {
                "trouble: the command line is wrong, or the command could not run; one line says what, where and why, \
                 and a hint says what to do next"
            }
            Self::Interrupted => "interrupted: what was committed stays; run the command again to carry on",
        }
    }

    /// Returns the status of two parts together: the worse one.
    ///
    /// So one failed thread among many makes 1, whatever the number of successful ones.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }

    /// Returns [`Exit::Done`] for true, [`Exit::Not`] for false.
    pub fn from_answer(yes: bool) -> Self {
        if yes { Self::Done } else { Self::Not }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_promised_ones() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 130]);
    }

    #[test]
    fn the_worst_part_decides() {
        assert_eq!(Exit::Done.merge(Exit::Not).merge(Exit::Done), Exit::Not);
        assert_eq!(Exit::Trouble.merge(Exit::Not), Exit::Trouble);
        assert_eq!(Exit::Interrupted.merge(Exit::Trouble), Exit::Interrupted);
        assert_eq!(Exit::default(), Exit::Done);
        assert_eq!((Exit::from_answer(true), Exit::from_answer(false)), (Exit::Done, Exit::Not));
    }
}
