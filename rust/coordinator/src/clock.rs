//! The time: of the record, and that by which the dispatcher decides. A [`rehearsal`](crate::rehearsal) puts it forward instead of waiting.

/// Seconds by a clock that all processes of this machine share and nobody sets.
#[cfg(unix)]
#[must_use]
pub fn seconds() -> f64 {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Monotonic);
    #[allow(clippy::cast_precision_loss, reason = "nanoseconds are more than enough")]
    let (whole, part) = (now.tv_sec as f64, now.tv_nsec as f64);
    whole + part / 1e9
}

/// Seconds by a clock that all processes of this machine share.
#[cfg(not(unix))]
#[must_use]
pub fn seconds() -> f64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}

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
