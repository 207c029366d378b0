//! How fast a worker is, and therefore how many items it should have in hand.

/// The first lease of a worker, whose pace nobody knows: enough to hide one round trip, too few to matter.
const FIRST_WINDOW: u32 = 4;

/// Seconds of work a worker should have in hand: far more than it takes until the coordinator hears of finished items
/// (it looks a hundred times a second) and has sent others, and still nothing that a user would notice.
const WORK_IN_HAND: f64 = 0.1;

/// A worker always knows its next item: pytest needs it for the teardown of the current one.
const LEAST_WINDOW: u32 = 2;

/// A lease message stays below two thousand bytes, and a theft below 512 revocations.
const LARGEST_WINDOW: u32 = 512;

/// Weight of the newest duration: a change of pace is followed within four items.
const SMOOTHING: f64 = 0.25;

/// An exponentially weighted mean of the durations of a worker's items, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    mean: Option<f64>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { mean: None }
    }

    /// The worker has finished an item that took so long.
    pub(crate) fn finished(&mut self, seconds: f64) {
        self.mean = Some(match self.mean {
            Some(mean) => mean + SMOOTHING * (seconds - mean),
            None => seconds,
        });
    }

    /// How many items the worker should have in hand.
    pub(crate) fn window(&self) -> u32 {
        match self.mean {
            None => FIRST_WINDOW,
            // The cast is exact: a whole number between two that fit.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number, clamped"
            )]
            Some(mean) => {
                (WORK_IN_HAND / mean).ceil().clamp(f64::from(LEAST_WINDOW), f64::from(LARGEST_WINDOW)) as u32
            }
        }
    }

    /// It is time for more when half of the window is used up, or no more than the running and the next item remain.
    pub(crate) fn wants_more(&self, held: u32) -> bool {
        held <= LEAST_WINDOW || held * 2 <= self.window()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(durations: &[f64]) -> Pace {
        let mut pace = Pace::new();
        for &duration in durations {
            pace.finished(duration);
        }
        pace
    }

    #[test]
    fn the_window_follows_the_pace() {
        assert_eq!(after(&[]).window(), FIRST_WINDOW);
        assert_eq!(after(&[0.01]).window(), 10);
        assert_eq!(after(&[5.0]).window(), LEAST_WINDOW);
        assert_eq!(after(&[0.0]).window(), LARGEST_WINDOW);
    }

    #[test]
    fn more_is_wanted_at_half_the_window() {
        let pace = after(&[0.01]);
        assert!(!pace.wants_more(6));
        assert!(pace.wants_more(5));
        assert!(after(&[5.0]).wants_more(2));
    }
}
