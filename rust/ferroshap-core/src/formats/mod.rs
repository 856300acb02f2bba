//! Stage 1: bytes → [`Document`].
//!
//! Readers for what XGBoost, LightGBM and CatBoost write. They bound everything a hostile file could ask for: nesting, lengths
//! (checked against what is left of the file before anything is allocated) and memory (at most 16 bytes for a byte of
//! file, and 64 MB). They know the syntax of a format; what its fields mean is the adapters' business.

mod array;
mod budget;
pub mod document;
pub mod json;
pub mod lightgbm;
mod number;
mod sniff;
pub mod ubjson;

pub use document::{Document, Numbers, Texts};

use crate::error::Result;

/// A readable format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// XGBoost's JSON (1.0 and later).
    XgboostJson,
    /// XGBoost's UBJSON (1.6 and later), also the form of its memory snapshots.
    XgboostUbjson,
    /// LightGBM's text model.
    LightgbmText,
    /// CatBoost's JSON.
    CatboostJson,
}

impl Format {
    /// A stable name: `"xgboost-json"`, `"xgboost-ubjson"`, `"lightgbm-text"` or `"catboost-json"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::XgboostJson => "xgboost-json",
            Self::XgboostUbjson => "xgboost-ubjson",
            Self::LightgbmText => "lightgbm-text",
            Self::CatboostJson => "catboost-json",
        }
    }
}

/// Recognises the format of a model file by its bytes and reads it.
///
/// # Errors
/// [`Unsupported`](crate::Error::Unsupported) names a format that is recognised but not read, and what to do;
/// [`Document`](crate::Error::Document) says at which byte or line a file breaks its format.
pub fn read(bytes: &[u8]) -> Result<(Format, Document)> {
    let format = sniff::sniff(bytes)?;
    let document = match format {
        Format::XgboostJson | Format::CatboostJson => json::read(bytes)?,
        Format::XgboostUbjson => ubjson::read(bytes)?,
        Format::LightgbmText => lightgbm::read(bytes)?,
    };
    if format == Format::LightgbmText {
        return Ok((format, document));
    }
    Ok((sniff::of_root(&document, format)?, document))
}
