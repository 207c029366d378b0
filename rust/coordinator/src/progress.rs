//! How much work is left, by what earlier runs took and by how much longer this one takes.

/// Seconds of earlier runs that count as much as what this run shows.
const TRUST: f64 = 1.0;

/// Items that are not expected to take anything in particular count as this share of a second each, until some have
/// finished.
const UNKNOWN: f64 = 0.01;

/// With nothing known from earlier runs, one item in so many has to finish before anything is said.
const SAMPLE: usize = 20;

/// The work of one run.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    usual: Vec<Option<f32>>,
    /// What an item without a history counts as, in seconds.
    typical: f64,
    is_known: bool,
    finished: usize,
    /// Expected seconds of what has not finished.
    left: f64,
    /// Of what has finished: seconds expected, and taken.
    expected: f64,
    taken: f64,
}

impl Progress {
    /// Of these items: what each took in earlier runs, in seconds, if that is known.
    pub(crate) fn of(usual: impl Iterator<Item = Option<f64>>) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "seconds, for people to read")]
        let usual: Vec<Option<f32>> = usual.map(|seconds| seconds.map(|seconds| seconds as f32)).collect();
        let known: Vec<f64> = usual.iter().flatten().map(|&seconds| f64::from(seconds)).collect();
        let sum: f64 = known.iter().sum();
        let typical = if known.is_empty() { UNKNOWN } else { sum / count(known.len()) };
        let left = sum + typical * count(usual.len() - known.len());
        Self { usual, typical, is_known: !known.is_empty(), left, ..Self::default() }
    }

    /// An item has finished, for the first time, after these seconds.
    pub(crate) fn finished(&mut self, index: usize, seconds: f64) {
        let expected = self.usual(index).unwrap_or(self.typical);
        self.finished += 1;
        self.left -= expected;
        self.expected += expected;
        self.taken += seconds.max(0.0);
    }

    /// Seconds that one worker would need for what has not finished; `None` if there is nothing to tell by.
    pub(crate) fn left(&self) -> Option<f64> {
        let trust = if self.is_known { TRUST } else { 0.0 };
        let is_told = self.is_known || self.finished * SAMPLE >= self.usual.len();
        let pace = (self.taken + trust) / (self.expected + trust);
        (is_told && pace.is_finite()).then(|| self.left.max(0.0) * pace)
    }

    /// Seconds that the item took in earlier runs.
    pub(crate) fn usual(&self, index: usize) -> Option<f64> {
        self.usual.get(index).copied().flatten().map(f64::from)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a count of items")]
fn count(items: usize) -> f64 {
    items as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_a_history_the_run_itself_tells_after_a_while() {
        let mut progress = Progress::of((0..100).map(|_| None));
        for index in 0..4 {
            assert_eq!(progress.left(), None, "after {index}");
            progress.finished(index, 2.0);
        }
        progress.finished(4, 2.0);
        assert!((progress.left().expect("enough") - 190.0).abs() < 1e-6);
    }

    #[test]
    fn a_run_that_is_slower_than_earlier_ones_takes_longer() {
        let mut progress = Progress::of([Some(30.0), Some(10.0), None].into_iter());
        assert_eq!(progress.left(), Some(60.0), "what is new counts as the mean");
        progress.finished(0, 60.0);
        let left = progress.left().expect("there is a history");
        assert!((55.0..60.0).contains(&left), "{left}");
        assert_eq!(progress.usual(2), None);
    }

    proptest! {
        #[test]
        fn nothing_is_left_when_everything_has_finished(
            usual in prop::collection::vec(prop::option::of(0.0..100.0_f64), 1..50), seconds in 0.0..10.0_f64,
        ) {
            let mut progress = Progress::of(usual.iter().copied());
            for index in 0..usual.len() {
                if let Some(left) = progress.left() {
                    prop_assert!(left >= 0.0);
                }
                progress.finished(index, seconds);
            }
            prop_assert!(progress.left().unwrap_or_default() < 1e-3);
        }
    }
}
