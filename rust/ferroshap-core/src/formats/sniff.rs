//! Which format some bytes have, by the bytes alone: names of files lie (XGBoost 1.3 wrote its old binary format under
//! every name).

use super::Format;
use super::document::Document;
use crate::error::{Error, Place, Result};

/// The format that the bytes start as.
///
/// # Errors
/// [`Error::Unsupported`] with the name of a recognised other format and the way out of it; [`Error::Document`] for a
/// file without content.
pub(super) fn sniff(bytes: &[u8]) -> Result<Format> {
    let content = bytes.trim_ascii_start();
    if content.is_empty() {
        let problem = "nothing but white space, expected a model".to_owned();
        return Err(Error::Document { format: "model file", place: Place::Byte(bytes.len()), problem });
    }
    if let Some(format) = foreign(bytes) {
        return Err(refused(format));
    }
    match content {
        [b'{', b'A'..=b'Z' | b'a'..=b'z', ..] if content.len() == bytes.len() => Ok(Format::XgboostUbjson),
        [b'{', ..] => match first_key(content).and_then(foreign_key) {
            Some(format) => Err(refused(format)),
            None => Ok(Format::XgboostJson),
        },
        [b'[', ..] => Err(refused(&LIST)),
        _ if first_line(bytes) == b"tree" => Ok(Format::LightgbmText),
        _ => Err(Error::Unsupported(format!(
            "this is no model file that ferroshap knows: it starts with '{}'. {READABLE}. If it is a binary \
             model of XGBoost before 1.0, {RESAVE}",
            bytes[..bytes.len().min(16)].escape_ascii()
        ))),
    }
}

/// The format of a document that started as one of XGBoost's; refuses what is neither that nor CatBoost's.
pub(super) fn of_root(document: &Document, format: Format) -> Result<Format> {
    let has = |key| document.get(key).is_some();
    if has("learner") || (has("Model") && has("Config")) {
        return Ok(format);
    }
    if has("features_info") && (has("oblivious_trees") || has("trees")) {
        return Ok(Format::CatboostJson);
    }
    if let Some(format) = document.keys().find_map(|key| foreign_key(key.as_bytes())) {
        return Err(refused(format));
    }
    let keys: Vec<_> =
        document.keys().take(8).map(|key| format!("{:?}", key.chars().take(40).collect::<String>())).collect();
    Err(Error::Unsupported(format!(
        "this JSON is not a model of XGBoost or CatBoost: it has no \"learner\" and no \"features_info\" with trees, its \
         keys are [{}]. {READABLE}",
        keys.join(", ")
    )))
}

const READABLE: &str =
    "Readable are XGBoost models saved as .json or .ubj, LightGBM text models and CatBoost models saved as JSON";
const RESAVE: &str = "load it with XGBoost 1.6 to 3.0 and save it as .json or .ubj (Booster.save_model)";

/// A format that is recognised in order to say what to do.
struct Foreign {
    name: &'static str,
    way_out: &'static str,
}

fn refused(format: &Foreign) -> Error {
    Error::Unsupported(format!("{} is not readable: {}. {READABLE}", format.name, format.way_out))
}

const LEGACY: Foreign = Foreign { name: "a model in XGBoost's old binary format", way_out: RESAVE };
const LIST: Foreign = Foreign {
    name: "a JSON list (XGBoost's dump_model writes one, without base score and objective)",
    way_out: "save the model with Booster.save_model('model.json')",
};
const TEXT_DUMP: Foreign = Foreign {
    name: "a text dump of XGBoost (it has rounded numbers and no base score)",
    way_out: "save the model with Booster.save_model('model.json')",
};
const LIGHTGBM_DUMP: Foreign = Foreign {
    name: "JSON of LightGBM's dump_model() (it has lost infinite thresholds)",
    way_out: "save the model as text with Booster.save_model('model.txt')",
};
const CATBOOST_BINARY: Foreign = Foreign {
    name: "a CatBoost model in its binary format (cbm)",
    way_out: "load it with CatBoost and save it with save_model('model.json', format='json')",
};
const PICKLE: Foreign = Foreign {
    name: "a Python pickle or joblib file (loading one can run any code)",
    way_out: "if you trust it, load it yourself and hand the live model to ferroshap, or save it in its library's own format",
};
const ZIP: Foreign = Foreign {
    name: "a zip archive (such as skops writes)",
    way_out: "unpack or load it and hand the live model to ferroshap, or save it in its library's own format",
};
const COMPRESSED: Foreign =
    Foreign { name: "a compressed file", way_out: "decompress it (if it was made by joblib, it is a pickle)" };
const ONNX: Foreign =
    Foreign { name: "an ONNX model (it stores no covers)", way_out: "use the model from before its conversion" };
const PMML: Foreign = Foreign { name: "XML (such as PMML)", way_out: "use the model from before its conversion" };
const DATA: Foreign =
    Foreign { name: "a data file in the place of the model", way_out: "name the model file first, then the data" };
const BOM: Foreign = Foreign {
    name: "text that starts with a byte order mark",
    way_out: "save it as UTF-8 without one, or copy the original",
};

/// Marks at the start of files of other formats.
fn foreign(bytes: &[u8]) -> Option<&'static Foreign> {
    const MARKS: [(&[u8], &Foreign); 18] = [
        (b"binf", &LEGACY),
        (b"bs64", &LEGACY),
        (b"booster[", &TEXT_DUMP),
        (b"0:[", &TEXT_DUMP),
        (b"CBM1", &CATBOOST_BINARY),
        (b"PK\x03\x04", &ZIP),
        (b"\x1f\x8b", &COMPRESSED),
        (b"BZh", &COMPRESSED),
        (b"\xfd7zXZ", &COMPRESSED),
        (b"\x28\xb5\x2f\xfd", &COMPRESSED),
        (b"\x04\x22\x4d\x18", &COMPRESSED),
        (b"<?xml", &PMML),
        (b"PAR1", &DATA),
        (b"ARROW1", &DATA),
        (b"\x93NUMPY", &DATA),
        (b"\xef\xbb\xbf", &BOM),
        (b"\xff\xfe", &BOM),
        (b"\xfe\xff", &BOM),
    ];
    match bytes {
        [0x80, 2..=5, ..] => return Some(&PICKLE),
        [b'x', 0x01 | 0x5e | 0x9c | 0xda, ..] => return Some(&COMPRESSED),
        // ModelProto: field 1 (the version of the format) is a small number, then the producer's name, graph or operators.
        [0x08, 1..=0x20, 0x12 | 0x1a | 0x3a | 0x42, ..] => return Some(&ONNX),
        _ => {}
    }
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|&(_, format)| format)
}

/// Keys of JSON roots that tell of other libraries. Their deeply nested trees need not be read to say so.
fn foreign_key(key: &[u8]) -> Option<&'static Foreign> {
    match key {
        b"tree_info" | b"name" => Some(&LIGHTGBM_DUMP),
        _ => None,
    }
}

/// The first key of a JSON object, as far as it can be seen without reading it.
fn first_key(content: &[u8]) -> Option<&[u8]> {
    let key = content.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    key.get(..key.iter().take(64).position(|&b| b == b'"')?)
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().take(64).position(|&b| b == b'\n').unwrap_or(bytes.len());
    bytes[..end].trim_ascii_end()
}
