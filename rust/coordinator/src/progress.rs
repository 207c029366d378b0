//! How much work is left, by what earlier runs took and by how much longer this one takes.

/// Seconds of earlier runs that count as much as what this run shows.
const TRUST: f64 = 1.0;

/// The work of one run.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    usual: Vec<Option<f32>>,
    /// What an item without a history counts as, in seconds.
    typical: f64,
    /// Of so many items that it can be told how long the others will take. What this run has taken so far tells little:
    /// the quickest tests finish first.
    is_known: bool,
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
        let is_known = !known.is_empty() && 2 * known.len() >= usual.len();
        let typical = if is_known { sum / count(known.len()) } else { 0.0 };
        let left = sum + typical * count(usual.len() - known.len());
        Self { usual, typical, is_known, left, ..Self::default() }
    }

    /// An item has finished, for the first time, after these seconds.
    pub(crate) fn finished(&mut self, index: usize, seconds: f64) {
        let expected = self.usual(index).unwrap_or(self.typical);
        self.left -= expected;
        self.expected += expected;
        self.taken += seconds.max(0.0);
    }

    /// Seconds that one worker would need for what has not finished; `None` if too little is known.
    pub(crate) fn left(&self) -> Option<f64> {
        let pace = (self.taken + TRUST) / (self.expected + TRUST);
        (self.is_known && pace.is_finite()).then(|| self.left.max(0.0) * pace)
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
    fn nothing_is_told_if_most_tests_are_new() {
        let mut progress = Progress::of([Some(1.0), None, None].into_iter());
        progress.finished(0, 1.0);
        assert_eq!(progress.left(), None);
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
