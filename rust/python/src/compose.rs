//! Functions of functions, without a frame of their own in tracebacks.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// `outer(inner(...))`, whatever is given.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Composed {
    outer: Py<PyAny>,
    inner: Py<PyAny>,
}

#[pymethods]
impl Composed {
    #[new]
    fn new(outer: Py<PyAny>, inner: Py<PyAny>) -> Self {
        Self { outer, inner }
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        self.outer.call1(py, (self.inner.call(py, args, kwargs)?,))
    }
}
