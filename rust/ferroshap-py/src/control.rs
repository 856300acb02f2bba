//! Long work looks up every 50 ms: for Ctrl-C, and to tell its progress.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferroshap_core::parallel::Control;
use pyo3::prelude::*;

/// Polls Python's signal handlers and an optional `progress(done, total)` callable from the calling thread.
pub(crate) struct PythonControl<'a> {
    progress: Option<&'a Py<PyAny>>,
    /// Rows that are one unit of the work's own count.
    chunk: AtomicUsize,
    total: usize,
    raised: Mutex<Option<PyErr>>,
}

impl<'a> PythonControl<'a> {
    /// Of work with `total` rows, or other units.
    pub(crate) fn new(progress: Option<&'a Py<PyAny>>, total: usize) -> Self {
        Self { progress, chunk: AtomicUsize::new(1), total, raised: Mutex::new(None) }
    }

    /// What stopped the work if it was Python (KeyboardInterrupt, an error in `progress`), else the core's error.
    pub(crate) fn result<T>(self, outcome: ferroshap_core::Result<T>) -> PyResult<T> {
        match self.raised.into_inner().ok().flatten() {
            Some(raised) => Err(raised),
            None => outcome.map_err(crate::error::to_pyerr),
        }
    }
}

impl Control for PythonControl<'_> {
    fn poll(&self, done: usize) -> bool {
        let looked = Python::attach(|py| {
            py.check_signals()?;
            if let Some(progress) = self.progress {
                let rows = done * self.chunk.load(Ordering::Relaxed);
                progress.call1(py, (rows.min(self.total), self.total))?;
            }
            Ok(())
        });
        match looked {
            Ok(()) => true,
            Err(raised) => {
                *self.raised.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(raised);
                false
            }
        }
    }

    fn begin(&self, rows_of_a_chunk: usize) {
        self.chunk.store(rows_of_a_chunk, Ordering::Relaxed);
    }
}
