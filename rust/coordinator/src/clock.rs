//! The time by which the dispatcher decides. A [`rehearsal`](crate::rehearsal) puts it forward instead of waiting.

#[cfg(not(any(test, fuzzing)))]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(any(test, fuzzing))]
pub(crate) use ahead::{now, put_forward};

#[cfg(any(test, fuzzing))]
mod ahead {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    thread_local! {
        static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    pub(crate) fn now() -> Instant {
        Instant::now() + AHEAD.get()
    }

    /// In this thread, and for ever.
    pub(crate) fn put_forward(by: Duration) {
        AHEAD.set(AHEAD.get() + by);
    }
}
