//! [`Document`]: what a model file says, before anyone asks what it means.

/// A value of a model file.
///
/// Arrays whose elements are all numbers, or all texts, are held packed: a model is mostly those, and a packed element
/// costs a tenth of a generic one.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// JSON `null`, UBJSON `Z`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// An array of only numbers or only truth values. Empty only where the file itself names an element type.
    Numbers(Numbers),
    /// A non-empty array of texts only.
    Texts(Texts),
    /// Any other array; an array without elements or element type is an empty list.
    List(Vec<Document>),
    /// Keys and values in file order, each key once.
    Object(Vec<(String, Document)>),
}

impl Document {
    /// The value of `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Document> {
        match self {
            Self::Object(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The keys of an object, in file order; none for anything else.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let entries: &[(String, Document)] = match self {
            Self::Object(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|(key, _)| key.as_str())
    }
}

/// A packed array of numbers, in the width in which the file stores them (JSON and text: 64 bits).
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Truth values.
    Bool(Vec<bool>),
    /// UBJSON `i`.
    I8(Vec<i8>),
    /// UBJSON `U`.
    U8(Vec<u8>),
    /// UBJSON `I`.
    I16(Vec<i16>),
    /// UBJSON `l`.
    I32(Vec<i32>),
    /// Whole numbers of JSON and text, UBJSON `L`.
    I64(Vec<i64>),
    /// UBJSON `d`.
    F32(Vec<f32>),
    /// Numbers of JSON and text, UBJSON `D`.
    F64(Vec<f64>),
}

impl Numbers {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A packed array of texts: one buffer and where each text ends in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    buffer: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Appends what `write` appends to the buffer as one text; nothing if it fails.
    pub(super) fn push_with<E>(&mut self, write: impl FnOnce(&mut String) -> Result<(), E>) -> Result<(), E> {
        let start = self.buffer.len();
        match write(&mut self.buffer) {
            Ok(()) => self.ends.push(self.buffer.len()),
            Err(e) => {
                self.buffer.truncate(start);
                return Err(e);
            }
        }
        Ok(())
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.buffer.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.buffer[start..end])
    }
}
