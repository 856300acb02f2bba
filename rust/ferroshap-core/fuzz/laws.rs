//! What must hold for every input of the readers. The fuzz targets and the tests run the same functions.
//!
//! Each law: bytes are refused with an error, or they give a document that, written out plainly and read again, is
//! the same document.

#![allow(dead_code, reason = "each fuzz target uses one of the laws")]

use std::fmt::Write;

use ferroshap_core::Error;
use ferroshap_core::formats::{Document, Numbers, json, lightgbm, read, ubjson};

/// The law of the JSON reader.
pub(crate) fn reads_json(bytes: &[u8]) {
    recognise(bytes);
    if let Some(document) = outcome(json::read(bytes)) {
        let mut written = String::new();
        write_json(&document, &mut written);
        assert_same(&document, &json::read(written.as_bytes()));
    }
}

/// The law of the UBJSON reader.
pub(crate) fn reads_ubjson(bytes: &[u8]) {
    recognise(bytes);
    if let Some(document) = outcome(ubjson::read(bytes)) {
        let mut written = Vec::new();
        write_ubjson(&document, &mut written);
        assert_same(&document, &ubjson::read(&written));
    }
}

/// The law of the LightGBM reader.
pub(crate) fn reads_lightgbm_text(bytes: &[u8]) {
    recognise(bytes);
    if let Some(document) = outcome(lightgbm::read(bytes)).map(without_sizes) {
        let mut written = String::new();
        write_lightgbm(&document, &mut written);
        assert_same(&document, &lightgbm::read(written.as_bytes()));
        assert_same(&document, &lightgbm::read(written.replace('\n', "\r\n").as_bytes()));
    }
}

fn recognise(bytes: &[u8]) {
    if let Err(e) = read(bytes) {
        assert!(matches!(e, Error::Document { .. } | Error::Unsupported(_)), "{e:?}");
    }
}

fn outcome(read: Result<Document, Error>) -> Option<Document> {
    match read {
        Ok(document) => Some(document),
        Err(Error::Document { problem, .. }) => {
            assert!(!problem.is_empty() && problem.len() < 1000, "{problem}");
            None
        }
        Err(other) => panic!("a reader gave {other:?}"),
    }
}

fn assert_same(document: &Document, again: &Result<Document, Error>) {
    // The debug form shows NaN, and the sign of zero, as they are.
    match again {
        Ok(again) => assert!(document == again || format!("{document:?}") == format!("{again:?}")),
        Err(e) => panic!("the written document is refused: {e}"),
    }
}

/// Writes a document as JSON.
pub(crate) fn write_json(document: &Document, out: &mut String) {
    match document {
        Document::Null => out.push_str("null"),
        Document::Bool(value) => _ = write!(out, "{value}"),
        Document::Int(value) => _ = write!(out, "{value}"),
        Document::Float(value) => json_float(*value, out),
        Document::Text(text) => json_text(text, out),
        Document::Texts(texts) => list(texts.iter(), out, json_text),
        Document::List(elements) => list(elements.iter(), out, write_json),
        Document::Numbers(Numbers::Bool(v)) => list(v.iter(), out, |value, out| _ = write!(out, "{value}")),
        Document::Numbers(Numbers::I64(v)) => list(v.iter(), out, |value, out| _ = write!(out, "{value}")),
        Document::Numbers(Numbers::F64(v)) => list(v.iter(), out, |value, out| json_float(*value, out)),
        Document::Numbers(other) => panic!("JSON has no {other:?}"),
        Document::Object(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                json_text(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn list<T>(elements: impl Iterator<Item = T>, out: &mut String, mut element: impl FnMut(T, &mut String)) {
    out.push('[');
    for (i, value) in elements.enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        element(value, out);
    }
    out.push(']');
}

fn json_float(value: f64, out: &mut String) {
    _ = match value {
        f64::INFINITY => write!(out, "Infinity"),
        f64::NEG_INFINITY => write!(out, "-Infinity"),
        _ => write!(out, "{value:?}"),
    };
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        _ = write!(out, "\\u{unit:04x}");
    }
    out.push('"');
}

/// Writes a document as UBJSON, in the widths in which it was read.
pub(crate) fn write_ubjson(document: &Document, out: &mut Vec<u8>) {
    match document {
        Document::Null => out.push(b'Z'),
        Document::Bool(value) => out.push(if *value { b'T' } else { b'F' }),
        Document::Int(value) => sized(b"L", &value.to_be_bytes(), out),
        Document::Float(value) => sized(b"D", &value.to_be_bytes(), out),
        Document::Text(text) => {
            out.push(b'S');
            ubjson_text(text, out);
        }
        Document::Texts(texts) => {
            sized(b"[#L", &(texts.len() as i64).to_be_bytes(), out);
            for text in texts.iter() {
                out.push(b'S');
                ubjson_text(text, out);
            }
        }
        Document::List(elements) => {
            sized(b"[#L", &(elements.len() as i64).to_be_bytes(), out);
            elements.iter().for_each(|element| write_ubjson(element, out));
        }
        Document::Numbers(numbers) => match numbers {
            Numbers::Bool(v) => {
                out.push(b'[');
                out.extend(v.iter().map(|&value| if value { b'T' } else { b'F' }));
                out.push(b']');
            }
            Numbers::I8(v) => typed(b'i', v.iter().map(|x| x.to_be_bytes()), out),
            Numbers::U8(v) => typed(b'U', v.iter().map(|x| x.to_be_bytes()), out),
            Numbers::I16(v) => typed(b'I', v.iter().map(|x| x.to_be_bytes()), out),
            Numbers::I32(v) => typed(b'l', v.iter().map(|x| x.to_be_bytes()), out),
            Numbers::I64(v) => typed(b'L', v.iter().map(|x| x.to_be_bytes()), out),
            Numbers::F32(v) => typed(b'd', v.iter().map(|x| x.to_be_bytes()), out),
            Numbers::F64(v) => typed(b'D', v.iter().map(|x| x.to_be_bytes()), out),
        },
        Document::Object(entries) => {
            out.push(b'{');
            for (key, value) in entries {
                ubjson_text(key, out);
                write_ubjson(value, out);
            }
            out.push(b'}');
        }
    }
}

fn sized(marker: &[u8], bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(marker);
    out.extend_from_slice(bytes);
}

fn ubjson_text(text: &str, out: &mut Vec<u8>) {
    sized(b"L", &(text.len() as i64).to_be_bytes(), out);
    out.extend_from_slice(text.as_bytes());
}

fn typed<const N: usize>(kind: u8, elements: impl ExactSizeIterator<Item = [u8; N]>, out: &mut Vec<u8>) {
    sized(&[b'[', b'$', kind, b'#', b'L'], &(elements.len() as i64).to_be_bytes(), out);
    elements.for_each(|bytes| out.extend_from_slice(&bytes));
}

/// The document of a LightGBM model without the lengths of its trees, which are others when they are written plainly.
fn without_sizes(mut document: Document) -> Document {
    let Some(Document::List(trees)) = document.get("trees") else { panic!("no trees") };
    if trees.is_empty() {
        return document;
    }
    if let Document::Object(members) = &mut document
        && let Some((_, Document::Object(header))) = members.iter_mut().find(|(key, _)| key == "header")
    {
        header.retain(|(key, _)| key != "tree_sizes");
    }
    document
}

/// Writes the document of a LightGBM model as text.
pub(crate) fn write_lightgbm(document: &Document, out: &mut String) {
    let entries = |document: Option<&Document>| match document {
        Some(Document::Object(entries)) => entries.clone(),
        other => panic!("expected an object, found {other:?}"),
    };
    out.push_str("tree\n");
    for (key, value) in entries(document.get("header")) {
        match value {
            Document::Text(text) => _ = writeln!(out, "{key}={text}"),
            _ => _ = writeln!(out, "{key}"),
        }
    }
    let Some(Document::List(trees)) = document.get("trees") else { panic!("no trees") };
    for (index, tree) in trees.iter().enumerate() {
        _ = write!(out, "\nTree={index}\n");
        for (key, value) in entries(Some(tree)) {
            _ = match value {
                Document::Text(text) => writeln!(out, "{key}={text}"),
                Document::Int(value) => writeln!(out, "{key}={value}"),
                Document::Float(value) => writeln!(out, "{key}={value:?}"),
                Document::Numbers(Numbers::I64(v)) => writeln!(out, "{key}={}", joined(&v)),
                Document::Numbers(Numbers::F64(v)) => writeln!(out, "{key}={}", joined(&v)),
                other => panic!("a tree with {other:?}"),
            };
        }
    }
    out.push_str("end of trees\n\nparameters:\n");
    for (key, value) in entries(document.get("parameters")) {
        let Document::Text(value) = value else { panic!("a parameter of {value:?}") };
        _ = writeln!(out, "[{key}: {value}]");
    }
    out.push_str("end of parameters\npandas_categorical:");
    write_json(document.get("pandas_categorical").unwrap_or(&Document::Null), out);
    out.push('\n');
}

fn joined<T: std::fmt::Debug>(values: &[T]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
}
