//! The life of a worker as the scheduler sees it: `Starting → Idle → Running → Draining → Dead`.

use thiserror::Error;

/// How a worker died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// After the decision that nothing more will come for it.
    Clean,
    /// Before its end: a native crash, `os._exit`, a signal.
    Crashed,
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// Cannot run tests yet.
    Starting,
    /// Waits for a lease or the end. The teardown of its last item may still go on.
    Idle,
    /// Has been leased items.
    Running,
    /// Was told that nothing more will come, or will be as soon as it is ready.
    Draining,
    /// Is gone.
    Dead(Death),
}

/// Something happened to a worker that cannot happen in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a worker that is {state:?} cannot be {event}")]
pub struct IllegalTransition {
    /// The state the worker is in.
    pub state: WorkerState,
    /// What was to happen to it.
    pub event: &'static str,
}

impl WorkerState {
    /// It takes nothing on any more.
    #[must_use]
    pub fn is_leaving(self) -> bool {
        match self {
            Self::Starting | Self::Idle | Self::Running => false,
            Self::Draining | Self::Dead(_) => true,
        }
    }

    /// It was handed items.
    ///
    /// # Errors
    /// When it was told the end, or is gone.
    pub fn lease(self) -> Result<Self, IllegalTransition> {
        match self {
            Self::Starting | Self::Idle | Self::Running => Ok(Self::Running),
            Self::Draining | Self::Dead(_) => Err(self.cannot("leased an item")),
        }
    }

    /// It has to wait.
    ///
    /// # Errors
    /// When it was told the end, or is gone.
    pub fn park(self) -> Result<Self, IllegalTransition> {
        match self {
            Self::Starting | Self::Idle | Self::Running => Ok(Self::Idle),
            Self::Draining | Self::Dead(_) => Err(self.cannot("parked")),
        }
    }

    /// It was told that nothing more will come; telling it twice is harmless.
    ///
    /// # Errors
    /// When it is gone.
    pub fn end(self) -> Result<Self, IllegalTransition> {
        match self {
            Self::Starting | Self::Idle | Self::Running | Self::Draining => Ok(Self::Draining),
            Self::Dead(_) => Err(self.cannot("told the end")),
        }
    }

    /// It is gone.
    ///
    /// # Errors
    /// When it was gone before.
    pub fn die(self) -> Result<Self, IllegalTransition> {
        match self {
            Self::Starting | Self::Idle | Self::Running => Ok(Self::Dead(Death::Crashed)),
            Self::Draining => Ok(Self::Dead(Death::Clean)),
            Self::Dead(_) => Err(self.cannot("buried again")),
        }
    }

    fn cannot(self, event: &'static str) -> IllegalTransition {
        IllegalTransition { state: self, event }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_lives_from_start_to_clean_death() {
        let state = WorkerState::Starting;
        let state = state.lease().and_then(WorkerState::park).and_then(WorkerState::lease);
        let state = state.and_then(WorkerState::end);
        assert_eq!(state, Ok(WorkerState::Draining));
        assert_eq!(WorkerState::Draining.die(), Ok(WorkerState::Dead(Death::Clean)));
    }

    #[test]
    fn the_end_is_final() {
        for state in [WorkerState::Draining, WorkerState::Dead(Death::Crashed)] {
            assert!(state.lease().is_err());
            assert!(state.park().is_err());
        }
        assert_eq!(WorkerState::Draining.end(), Ok(WorkerState::Draining));
    }

    #[test]
    fn nobody_dies_twice() {
        let error = WorkerState::Dead(Death::Crashed).die().map_err(|error| error.to_string());
        assert_eq!(error, Err("a worker that is Dead(Crashed) cannot be buried again".to_owned()));
    }
}
