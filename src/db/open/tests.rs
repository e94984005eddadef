//! Reading leaves everything as it was, writing needs what it needs: tests of [`super`].
