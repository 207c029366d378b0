//! Which values arrive in another process as they are.

use std::collections::HashSet;

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
};

/// Deeper values are not plain: `marshal` has a limit too.
const DEEPEST: usize = 200;

/// Whether a value is made of builtin values only, subclasses not among them.
///
/// `marshal` can't be asked: it takes whatever shows its memory (a `NumPy` number, an array) for bytes.
#[pyfunction]
pub(crate) fn is_plain(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Walk { seen: HashSet::new() }.is_plain(value, 0)
}

/// Containers are looked into once, wherever they are: they may contain each other.
struct Walk {
    seen: HashSet<usize>,
}

impl Walk {
    fn is_plain(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<bool> {
        if value.is_none()
            || value.is_exact_instance_of::<PyString>()
            || value.is_exact_instance_of::<PyInt>()
            || value.is_exact_instance_of::<PyFloat>()
            || value.is_exact_instance_of::<PyBool>()
            || value.is_exact_instance_of::<PyBytes>()
            || value.is_exact_instance_of::<PyComplex>()
            || value.is(value.py().Ellipsis())
        {
            return Ok(true);
        }
        if depth > DEEPEST {
            return Ok(false);
        }
        let is_new = self.seen.insert(value.as_ptr() as usize);
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            for (key, item) in dict.iter().filter(|_| is_new) {
                if !(self.is_plain(&key, depth + 1)? && self.is_plain(&item, depth + 1)?) {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let is_container = value.is_exact_instance_of::<PyTuple>()
            || value.is_exact_instance_of::<PyList>()
            || value.is_exact_instance_of::<PySet>()
            || value.is_exact_instance_of::<PyFrozenSet>();
        if is_container && is_new {
            for item in value.try_iter()? {
                if !self.is_plain(&item?, depth + 1)? {
                    return Ok(false);
                }
            }
        }
        Ok(is_container)
    }
}
