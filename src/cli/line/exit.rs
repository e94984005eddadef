//! What the exit status means; ending the process with it is `main`'s business alone.

use std::process::ExitCode;

/// How a command ended, as in `diff` and `grep`. The greater, the worse: see [`Exit::merge`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done; an empty list is that too; for `verify`: database and files agree.
    #[default]
    Done,
    /// 1: the answer is no, or not everything could be done; what could not is named on standard error.
    Not,
    /// 2: trouble: the command line is wrong, or the command could not run.
    Trouble,
    /// 130: interrupted; what was committed stays, and running again carries on.
    Interrupted,
}

impl Exit {
    /// Every status, least bad first.
    pub const ALL: [Self; 4] = [Self::Done, Self::Not, Self::Trouble, Self::Interrupted];

    /// The number that the caller of the program sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Not => 1,
            Self::Trouble => 2,
            Self::Interrupted => 130,
        }
    }

    /// What the number means, for help and man page.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; an empty list; for verify: database and files agree",
            Self::Not => {
                "the answer is no, or not everything: verify found drift; no such thread; some items could not be \
                 done and are named on standard error"
            }
            Self::Trouble => {
                "trouble: the command line is wrong, or it could not run; one line says what, where and why, and a \
                 hint what to do next"
            }
            Self::Interrupted => "interrupted: what was committed stays, and running again carries on",
        }
    }

    /// The status of two parts together: the worse one.
    ///
    /// So one thread that failed among many makes 1, and no number of threads done well undoes that.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }

    /// [`Exit::Done`] for yes, [`Exit::Not`] for no.
    #[must_use]
    pub fn from_answer(yes: bool) -> Self {
        if yes { Self::Done } else { Self::Not }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

impl FromIterator<Exit> for Exit {
    fn from_iter<I: IntoIterator<Item = Exit>>(parts: I) -> Self {
        parts.into_iter().fold(Self::Done, Self::merge)
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
        assert_eq!([Exit::Done, Exit::Not, Exit::Done].into_iter().collect::<Exit>(), Exit::Not);
        assert_eq!(Exit::Trouble.merge(Exit::Not), Exit::Trouble);
        assert_eq!(Exit::Interrupted.merge(Exit::Trouble), Exit::Interrupted);
        assert_eq!(std::iter::empty().collect::<Exit>(), Exit::Done);
        assert_eq!((Exit::from_answer(true), Exit::from_answer(false)), (Exit::Done, Exit::Not));
    }
}
