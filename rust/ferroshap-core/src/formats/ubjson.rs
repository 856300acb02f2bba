//! UBJSON as XGBoost writes it: big-endian, lengths as `L` (64 bits), typed arrays.
//!
//! Numbers keep the width and the sign in which they are stored: unsigned category codes are stored as signed ones.
//! Of members with the same key the first one counts, as it does for XGBoost.

use super::array::{ArrayBuilder, Duplicates, object};
use super::budget::{Budget, MAX_DEPTH};
use super::document::{Document, Numbers};
use crate::error::{Error, Place, Result};

/// Reads one UBJSON value that takes up all bytes.
///
/// # Errors
/// [`Error::Document`] with the byte offset at which `bytes` stop being one.
pub fn read(bytes: &[u8]) -> Result<Document> {
    let mut reader = Reader { bytes, at: 0, budget: Budget::for_file(bytes.len()) };
    let document = reader.document();
    document.map_err(|(at, problem)| Error::Document { format: "XGBoost UBJSON", place: Place::Byte(at), problem })
}

/// A failure: where, and what.
type Fail = (usize, String);

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Document, Fail> {
        let value = self.value(MAX_DEPTH)?;
        match self.bytes.len() - self.at {
            0 => Ok(value),
            rest => self.fail(format!("found {rest} more bytes, expected the end of the file")),
        }
    }

    fn fail<T>(&self, problem: impl Into<String>) -> Result<T, Fail> {
        Err((self.at, problem.into()))
    }

    fn counted<T>(&self, outcome: Result<T, String>) -> Result<T, Fail> {
        outcome.map_err(|problem| (self.at, problem))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Fail> {
        let rest = &self.bytes[self.at..];
        match rest.get(..n) {
            Some(taken) => {
                self.at += n;
                Ok(taken)
            }
            None => self.fail(format!("the file ends after {} bytes, expected {n} (is it truncated?)", rest.len())),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fail> {
        let mut fixed = [0; N];
        fixed.copy_from_slice(self.take(N)?);
        Ok(fixed)
    }

    fn marker(&mut self) -> Result<u8, Fail> {
        Ok(self.fixed::<1>()?[0])
    }

    /// A length: `L` and 64 bits. Each of the things it counts takes at least `size` bytes, so it is checked against
    /// the rest of the file.
    fn length(&mut self, size: usize) -> Result<usize, Fail> {
        let at = self.at;
        let marker = self.marker()?;
        if marker != b'L' {
            return Err((at, format!("found '{}', expected the marker 'L' of a length", marker.escape_ascii())));
        }
        let length = i64::from_be_bytes(self.fixed()?);
        let left = self.bytes.len() - self.at;
        match usize::try_from(length) {
            Ok(n) if n.checked_mul(size).is_some_and(|needed| needed <= left) => Ok(n),
            _ => Err((at, format!("a length of {length}, but only {left} bytes follow (is the file truncated?)"))),
        }
    }

    fn text(&mut self) -> Result<&'a str, Fail> {
        let length = self.length(1)?;
        let start = self.at;
        std::str::from_utf8(self.take(length)?)
            .map_err(|e| (start + e.valid_up_to(), "a string that is not UTF-8".to_owned()))
    }

    fn value(&mut self, depth: usize) -> Result<Document, Fail> {
        let at = self.at;
        Ok(match self.marker()? {
            b'{' => self.object(self.deeper(depth)?)?,
            b'[' => self.array(self.deeper(depth)?)?,
            b'S' => Document::Text(self.text()?.to_owned()),
            b'Z' => Document::Null,
            b'T' => Document::Bool(true),
            b'F' => Document::Bool(false),
            b'i' | b'C' => Document::Int(i8::from_be_bytes(self.fixed()?).into()),
            b'U' => Document::Int(u8::from_be_bytes(self.fixed()?).into()),
            b'I' => Document::Int(i16::from_be_bytes(self.fixed()?).into()),
            b'l' => Document::Int(i32::from_be_bytes(self.fixed()?).into()),
            b'L' => Document::Int(i64::from_be_bytes(self.fixed()?)),
            b'd' => Document::Float(f32::from_be_bytes(self.fixed()?).into()),
            b'D' => Document::Float(f64::from_be_bytes(self.fixed()?)),
            marker => return Err((at, format!("found '{}', expected the marker of a value", marker.escape_ascii()))),
        })
    }

    fn deeper(&self, depth: usize) -> Result<usize, Fail> {
        match depth.checked_sub(1) {
            Some(depth) => Ok(depth),
            None => self.fail(format!("nested more than {MAX_DEPTH} deep")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Document, Fail> {
        let mut entries = Vec::new();
        while self.bytes.get(self.at) != Some(&b'}') {
            let key = self.text()?.to_owned();
            let counted = self.budget.take_member(entries.len());
            self.counted(counted)?;
            entries.push((key, self.value(depth)?));
        }
        self.at += 1;
        Ok(object(entries, Duplicates::FirstWins))
    }

    fn array(&mut self, depth: usize) -> Result<Document, Fail> {
        match self.bytes.get(self.at) {
            Some(b'$') => {
                self.at += 1;
                return self.typed_array();
            }
            Some(b'#') => {
                self.at += 1;
                let mut array = ArrayBuilder::default();
                for _ in 0..self.length(1)? {
                    self.element(&mut array, depth)?;
                }
                return Ok(array.finish());
            }
            _ => {}
        }
        let mut array = ArrayBuilder::default();
        while self.bytes.get(self.at) != Some(&b']') {
            self.element(&mut array, depth)?;
        }
        self.at += 1;
        Ok(array.finish())
    }

    fn element(&mut self, array: &mut ArrayBuilder, depth: usize) -> Result<(), Fail> {
        if self.bytes.get(self.at) == Some(&b'S')
            && let Some(texts) = array.texts()
        {
            self.at += 1;
            return texts.push_with(|buffer| {
                buffer.push_str(self.text()?);
                Ok(())
            });
        }
        let pushed = match self.value(depth)? {
            Document::Int(value) => array.int(value, &mut self.budget),
            Document::Float(value) => array.float(value, &mut self.budget),
            Document::Bool(value) => array.bool(value, &mut self.budget),
            value => array.other(value, &mut self.budget),
        };
        self.counted(pushed)
    }

    fn typed_array(&mut self) -> Result<Document, Fail> {
        let at = self.at;
        let kind = self.marker()?;
        let hash = self.marker()?;
        if hash != b'#' {
            return Err((at + 1, format!("found '{}', expected the '#' of a typed array", hash.escape_ascii())));
        }
        Ok(Document::Numbers(match kind {
            b'i' => Numbers::I8(self.packed(i8::from_be_bytes)?),
            b'U' => Numbers::U8(self.packed(u8::from_be_bytes)?),
            b'I' => Numbers::I16(self.packed(i16::from_be_bytes)?),
            b'l' => Numbers::I32(self.packed(i32::from_be_bytes)?),
            b'L' => Numbers::I64(self.packed(i64::from_be_bytes)?),
            b'd' => Numbers::F32(self.packed(f32::from_be_bytes)?),
            b'D' => Numbers::F64(self.packed(f64::from_be_bytes)?),
            kind => return Err((at, format!("a typed array of '{}', expected numbers", kind.escape_ascii()))),
        }))
    }

    fn packed<T, const N: usize>(&mut self, from_be_bytes: fn([u8; N]) -> T) -> Result<Vec<T>, Fail> {
        let length = self.length(N)?;
        let (elements, _) = self.take(length * N)?.as_chunks::<N>();
        Ok(elements.iter().map(|&bytes| from_be_bytes(bytes)).collect())
    }
}
