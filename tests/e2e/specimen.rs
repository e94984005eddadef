//! One thread of each sort, and the changes that a hand may make to a row: those a backfill undoes, those it respects.
