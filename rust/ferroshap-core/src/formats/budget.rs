//! How much a hostile file may cost.
//!
//! A packed number costs 8 bytes for at least one byte of file, but a generic value (a member of an object, an element
//! of a mixed list) costs up to 56 for two or three. So those are counted. Every array of numbers is one generic value
//! whatever its length; the densest real model, an XGBoost forest of single leaves, has one in 18 bytes of file.

/// Deepest nesting that a reader follows. Models nest less than ten deep.
pub(super) const MAX_DEPTH: usize = 64;

/// Most members of one object. Models have some 50 (more only if a user stores attributes); a dictionary of millions
/// costs Python a hundred bytes a member.
const MAX_MEMBERS: usize = 65_536;

/// Free of charge, for small files.
const ALLOWANCE: usize = 150_000;
/// Above that, one generic value is allowed for so many bytes of file.
const BYTES_PER_VALUE: usize = 16;

/// The generic values that a file of some size may still hold.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    of: usize,
}

impl Budget {
    pub(super) fn for_file(bytes: usize) -> Self {
        let of = ALLOWANCE + bytes / BYTES_PER_VALUE;
        Self { left: of, of }
    }

    /// Counts the next member of an object that holds `members` so far.
    pub(super) fn take_member(&mut self, members: usize) -> Result<(), String> {
        if members == MAX_MEMBERS {
            return Err(format!("more than {MAX_MEMBERS} members in one object, which no model has"));
        }
        self.take(1)
    }

    /// Counts `n` generic values; an error says that no model looks like that.
    pub(super) fn take(&mut self, n: usize) -> Result<(), String> {
        match self.left.checked_sub(n) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                Err(format!("more than {} values outside arrays of numbers, which no model of this size has", self.of))
            }
        }
    }
}
