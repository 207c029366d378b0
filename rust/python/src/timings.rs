//! The class `Timings`: what earlier runs have found out.

use std::path::PathBuf;

use coordinator::timings as core;
use coordinator::timings_file;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// How long tests took in earlier runs.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Timings {
    pub(crate) inner: core::Timings,
}

#[pymethods]
impl Timings {
    /// Without a file, or if there is none: nothing is known.
    #[new]
    #[pyo3(signature = (path=None))]
    fn new(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        let read =
            py.detach(|| path.map_or_else(|| Ok(core::Timings::default()), |path| timings_file::read(&path)));
        Ok(Self { inner: read.map_err(|error| PyOSError::new_err(error.to_string()))? })
    }

    /// Of each test: node id, expected seconds, seconds of its last runs (newest first).
    fn tests(&self) -> Vec<(&str, f32, Vec<f32>)> {
        let known = self.inner.tests.iter();
        known
            .map(|(nodeid, test)| (&**nodeid, test.estimate().unwrap_or_default(), test.recent.clone()))
            .collect()
    }

    /// Of each module: name, seconds of its import, seconds of the fixtures that it shares; `None`: not known.
    fn modules(&self) -> Vec<(&str, Option<f32>, Option<f32>)> {
        let known = self.inner.modules.iter();
        known.map(|(name, module)| (&**name, module.import(), module.price())).collect()
    }

    /// Of each fixture of session or package scope: name, behind the node id of what defines it; seconds.
    fn fixtures(&self) -> Vec<(&str, f32)> {
        let known = self.inner.fixtures.iter();
        known.filter_map(|(name, fixture)| Some((&**name, fixture.seconds()?))).collect()
    }
}
