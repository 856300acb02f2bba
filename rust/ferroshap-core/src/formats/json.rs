//! XGBoost's JSON: RFC 8259 and the bare numbers `NaN`, `Infinity` and `-Infinity`.
//!
//! Whole numbers are exact or refused, all others are correctly rounded. Of members with the same key the last one
//! counts, as it does for XGBoost.

use super::array::{ArrayBuilder, Duplicates, object};
use super::budget::{Budget, MAX_DEPTH};
use super::document::Document;
use super::number::{self, Number};
use crate::error::{Error, Place, Result};

/// Reads one JSON text.
///
/// # Errors
/// [`Error::Document`] with the byte offset at which `bytes` stop being one.
pub fn read(bytes: &[u8]) -> Result<Document> {
    let mut reader = Reader { bytes, at: 0, budget: Budget::for_file(bytes.len()) };
    let document = reader.document();
    document.map_err(|(at, problem)| Error::Document { format: "XGBoost JSON", place: Place::Byte(at), problem })
}

/// Reads one JSON text inside another file, whose reader knows the place better: the error is the problem alone.
pub(super) fn read_embedded(text: &str) -> Result<Document, String> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, budget: Budget::for_file(text.len()) };
    reader.document().map_err(|(at, problem)| format!("{problem} at byte {at} of the value"))
}

/// A failure: where, and what.
type Fail = (usize, String);

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    budget: Budget,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Document, Fail> {
        let value = self.value(MAX_DEPTH)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return self.expected("the end of the file");
        }
        Ok(value)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fail<T>(&self, problem: impl Into<String>) -> Result<T, Fail> {
        Err((self.at, problem.into()))
    }

    #[cold]
    fn expected<T>(&self, what: &str) -> Result<T, Fail> {
        match self.peek() {
            Some(byte) => self.fail(format!("found '{}', expected {what}", byte.escape_ascii())),
            None => self.fail(format!("the file ends, expected {what} (is it truncated?)")),
        }
    }

    fn counted<T>(&self, outcome: Result<T, String>) -> Result<T, Fail> {
        outcome.map_err(|problem| (self.at, problem))
    }

    /// `depth` more levels may open.
    fn value(&mut self, depth: usize) -> Result<Document, Fail> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(self.deeper(depth)?),
            Some(b'[') => self.array(self.deeper(depth)?),
            Some(b'"') => {
                let mut text = String::new();
                self.string(&mut text)?;
                Ok(Document::Text(text))
            }
            Some(b't') => self.word("true", Document::Bool(true)),
            Some(b'f') => self.word("false", Document::Bool(false)),
            Some(b'n') => self.word("null", Document::Null),
            _ => match self.number()? {
                Number::Int(value) => Ok(Document::Int(value)),
                Number::Float(value) => Ok(Document::Float(value)),
            },
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, Fail> {
        match depth.checked_sub(1) {
            Some(depth) => Ok(depth),
            None => self.fail(format!("nested more than {MAX_DEPTH} deep")),
        }
    }

    fn word<T>(&mut self, word: &str, value: T) -> Result<T, Fail> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(value);
        }
        self.expected("a value")
    }

    fn number(&mut self) -> Result<Number, Fail> {
        let rest = &self.bytes[self.at..];
        match rest {
            [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => match number::scan(rest) {
                Ok((value, length)) => {
                    self.at += length;
                    Ok(value)
                }
                Err((offset, problem)) => Err((self.at + offset, problem.into())),
            },
            [b'N', ..] => self.word("NaN", Number::Float(f64::NAN)),
            [b'I', ..] => self.word("Infinity", Number::Float(f64::INFINITY)),
            [b'-', ..] => self.word("-Infinity", Number::Float(f64::NEG_INFINITY)),
            _ => self.expected("a value"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Document, Fail> {
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Document::Object(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return self.expected("a key in double quotes");
            }
            let mut key = String::new();
            self.string(&mut key)?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.expected("':' after a key");
            }
            self.at += 1;
            let counted = self.budget.take_member(entries.len());
            self.counted(counted)?;
            let value = self.value(depth)?;
            entries.push((key, value));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.expected("',' or '}'"),
            }
        }
        self.at += 1;
        Ok(object(entries, Duplicates::LastWins))
    }

    fn array(&mut self, depth: usize) -> Result<Document, Fail> {
        self.at += 1;
        let mut array = ArrayBuilder::default();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(array.finish());
        }
        loop {
            self.skip_space();
            let pushed = match self.peek() {
                Some(b'-' | b'0'..=b'9' | b'N' | b'I') => match self.number()? {
                    Number::Int(value) => array.int(value, &mut self.budget),
                    Number::Float(value) => array.float(value, &mut self.budget),
                },
                Some(b'"') => match array.texts() {
                    Some(texts) => {
                        texts.push_with(|buffer| self.string(buffer))?;
                        Ok(())
                    }
                    None => array.other(self.value(depth)?, &mut self.budget),
                },
                _ => match self.value(depth)? {
                    Document::Bool(value) => array.bool(value, &mut self.budget),
                    value => array.other(value, &mut self.budget),
                },
            };
            self.counted(pushed)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.expected("',' or ']'"),
            }
        }
        self.at += 1;
        Ok(array.finish())
    }

    /// Appends the string that starts here.
    fn string(&mut self, out: &mut String) -> Result<(), Fail> {
        let opening = self.at;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(plain) = rest.iter().position(|&b| b == b'"' || b == b'\\') else {
                return Err((opening, "a string without end (is the file truncated?)".into()));
            };
            match std::str::from_utf8(&rest[..plain]) {
                Ok(text) => out.push_str(text),
                Err(e) => return Err((self.at + e.valid_up_to(), "a string that is not UTF-8".into())),
            }
            self.at += plain + 1;
            if rest[plain] == b'"' {
                return Ok(());
            }
            self.at -= 1;
            out.push(self.escape()?);
        }
    }

    /// The character of the escape that starts here.
    fn escape(&mut self) -> Result<char, Fail> {
        let start = self.at;
        self.at += 2;
        Ok(match self.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.hex4(start)?;
                let code = match unit {
                    0xD800..0xDC00 if self.bytes[self.at..].starts_with(b"\\u") => {
                        self.at += 2;
                        let low = self.hex4(start)?;
                        if !(0xDC00..0xE000).contains(&low) {
                            return Err((start, "half of a surrogate pair".into()));
                        }
                        0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    unit => unit,
                };
                match char::from_u32(code) {
                    Some(character) => character,
                    None => return Err((start, "half of a surrogate pair".into())),
                }
            }
            _ => return Err((start, "an unknown escape in a string".into())),
        })
    }

    /// Four hexadecimal digits of the escape that starts at `start`.
    fn hex4(&mut self, start: usize) -> Result<u32, Fail> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        let mut value = 0;
        for &digit in digits {
            match char::from(digit).to_digit(16) {
                Some(digit) => value = value << 4 | digit,
                None => return Err((start, "an escape \\u without four hexadecimal digits".into())),
            }
        }
        if digits.is_empty() {
            return Err((start, "an escape \\u without four hexadecimal digits".into()));
        }
        self.at += 4;
        Ok(value)
    }
}
