//! `read_document`: the bytes of a model file → its document as Python objects.

use std::collections::HashMap;

use ferroshap_core::formats::{self, Document, Numbers};
use numpy::{Element, PyArray1};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::error::to_pyerr;

#[pyfunction]
pub(crate) fn read_document<'py>(py: Python<'py>, data: &[u8]) -> PyResult<(&'static str, Bound<'py, PyAny>)> {
    let (format, document) = py.detach(|| formats::read(data)).map_err(to_pyerr)?;
    Ok((format.name(), Wrap { py, keys: HashMap::new() }.document(document)?))
}

/// Most keys that are shared between dictionaries; a model has some 50, a hostile file any number.
const MAX_SHARED_KEYS: usize = 256;

struct Wrap<'py> {
    py: Python<'py>,
    keys: HashMap<String, Bound<'py, PyString>>,
}

impl<'py> Wrap<'py> {
    fn document(&mut self, document: Document) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        match document {
            Document::Null => Ok(py.None().into_bound(py)),
            Document::Bool(value) => value.into_bound_py_any(py),
            Document::Int(value) => value.into_bound_py_any(py),
            Document::Float(value) => value.into_bound_py_any(py),
            Document::Text(text) => Ok(PyString::new(py, &text).into_any()),
            Document::Numbers(numbers) => Ok(self.numbers(numbers)),
            Document::Texts(texts) => {
                let list = PyList::empty(py);
                texts.iter().try_for_each(|text| list.append(text))?;
                Ok(list.into_any())
            }
            Document::List(elements) => {
                let list = PyList::empty(py);
                for element in elements {
                    list.append(self.document(element)?)?;
                }
                Ok(list.into_any())
            }
            Document::Object(entries) => {
                let dict = PyDict::new(py);
                for (key, value) in entries {
                    dict.set_item(self.key(key), self.document(value)?)?;
                }
                Ok(dict.into_any())
            }
        }
    }

    fn key(&mut self, key: String) -> Bound<'py, PyString> {
        if let Some(shared) = self.keys.get(&key) {
            return shared.clone();
        }
        let new = PyString::new(self.py, &key);
        if self.keys.len() < MAX_SHARED_KEYS {
            self.keys.insert(key, new.clone());
        }
        new
    }

    fn numbers(&self, numbers: Numbers) -> Bound<'py, PyAny> {
        match numbers {
            Numbers::Bool(v) => self.array(v),
            Numbers::I8(v) => self.array(v),
            Numbers::U8(v) => self.array(v),
            Numbers::I16(v) => self.array(v),
            Numbers::I32(v) => self.array(v),
            Numbers::I64(v) => self.array(v),
            Numbers::F32(v) => self.array(v),
            Numbers::F64(v) => self.array(v),
        }
    }

    /// Moves a long array; a short one is cheaper copied than owned by a Python object of its own.
    fn array<T: Element + Copy>(&self, values: Vec<T>) -> Bound<'py, PyAny> {
        if values.len() < 64 {
            PyArray1::from_slice(self.py, &values).into_any()
        } else {
            PyArray1::from_vec(self.py, values).into_any()
        }
    }
}
