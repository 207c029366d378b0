//! Which workers have been at the same thing for too long. It is the coordinator that judges, by its clock: a worker that
//! hangs can't be asked, and may not even let another thread of its own run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::{ItemId, WorkerId};

/// Wait for a worker that is about to be killed to write down its stacks.
const DUMP_GRACE: Duration = Duration::from_millis(500);

/// The coordinator looks a hundred times a second. Where it has not for this long, it could not.
const LONG_AWAY: Duration = Duration::from_millis(500);

/// What a worker is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// An item, its set-up and teardown included.
    Item(ItemId),
    /// What comes behind the last item: teardowns, the end of the session.
    Leaving,
}

/// What is to be done about a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Let it write down what its threads are at.
    Dump,
    /// Kill it, and what it has started.
    Kill,
}

/// How long each may take; `None`: for ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    usual: Option<Duration>,
    of_items: BTreeMap<ItemId, Option<Duration>>,
}

impl Patience {
    /// Seconds: usually, and for single items; 0 or less is for ever.
    pub(crate) fn new(usual: Option<f64>, of_items: &[(ItemId, f64)]) -> Self {
        let duration = |seconds: f64| {
            (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        };
        let of_items = of_items.iter().map(|&(item, seconds)| (item, duration(seconds))).collect();
        Self { usual: usual.and_then(duration), of_items }
    }

    fn with(&self, doing: Doing) -> Option<Duration> {
        match doing {
            Doing::Item(item) => self.of_items.get(&item).copied().unwrap_or(self.usual),
            Doing::Leaving => self.usual,
        }
    }

    fn is_endless(&self) -> bool {
        self.usual.is_none() && self.of_items.values().all(Option::is_none)
    }
}

/// How far it is with one worker.
#[derive(Clone, Copy, Debug)]
struct Seen {
    doing: Doing,
    since: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Busy,
    /// It was told to write down its stacks at that time.
    Dumping(Instant),
    Killed,
}

/// What every worker was seen at, and for how long.
#[derive(Debug, Default)]
pub(crate) struct Hangs {
    patience: Patience,
    seen: BTreeMap<WorkerId, Seen>,
    last: Option<Instant>,
}

impl Hangs {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, seen: BTreeMap::new(), last: None }
    }

    /// Nobody has to be looked at.
    pub(crate) fn are_allowed(&self) -> bool {
        self.patience.is_endless()
    }

    /// All workers are looked at now. If that has not been possible for long, the whole run was stopped (Ctrl-Z), and
    /// nobody is to blame for the time.
    pub(crate) fn begin_look(&mut self, now: Instant) {
        let away = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if away > LONG_AWAY {
            for seen in self.seen.values_mut() {
                seen.since += away;
            }
        }
        self.last = Some(now);
    }

    /// The worker is at this (`None`: it waits for work).
    pub(crate) fn look(&mut self, worker: WorkerId, doing: Option<Doing>, now: Instant) -> Option<Step> {
        let Some(doing) = doing else {
            self.seen.remove(&worker);
            return None;
        };
        let new = Seen { doing, since: now, state: State::Busy };
        let seen = self.seen.entry(worker).or_insert(new);
        if seen.doing != doing {
            *seen = new;
        }
        let patience = self.patience.with(doing)?;
        match seen.state {
            State::Busy if now.saturating_duration_since(seen.since) >= patience => {
                seen.state = State::Dumping(now);
                Some(Step::Dump)
            }
            State::Dumping(at) if now.saturating_duration_since(at) >= DUMP_GRACE => {
                seen.state = State::Killed;
                Some(Step::Kill)
            }
            State::Busy | State::Dumping(_) | State::Killed => None,
        }
    }

    /// The worker is gone: how long it had been given, if it was killed because that was not enough.
    pub(crate) fn bury(&mut self, worker: WorkerId) -> Option<Duration> {
        let seen = self.seen.remove(&worker).filter(|seen| seen.state == State::Killed)?;
        self.patience.with(seen.doing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKER: WorkerId = WorkerId(0);
    const SECOND: Duration = Duration::from_secs(1);

    fn item(number: u32) -> Doing {
        Doing::Item(ItemId(number))
    }

    fn hangs(usual: Option<f64>) -> (Hangs, Instant) {
        (Hangs::new(Patience::new(usual, &[(ItemId(1), 3.0), (ItemId(2), 0.0)])), Instant::now())
    }

    #[test]
    fn who_is_at_one_item_for_too_long_is_killed_after_its_stacks_are_written() {
        let (mut hangs, start) = hangs(Some(1.0));
        assert_eq!(hangs.look(WORKER, Some(item(0)), start), None);
        assert_eq!(hangs.look(WORKER, Some(item(0)), start + SECOND), Some(Step::Dump));
        assert_eq!(hangs.look(WORKER, Some(item(0)), start + SECOND), None);
        assert_eq!(hangs.look(WORKER, Some(item(0)), start + SECOND + DUMP_GRACE), Some(Step::Kill));
        assert_eq!(hangs.look(WORKER, Some(item(0)), start + 2 * SECOND), None, "once is enough");
        assert_eq!(hangs.bury(WORKER), Some(SECOND));
        assert_eq!(hangs.bury(WORKER), None);
    }

    #[test]
    fn nobody_is_to_blame_for_a_time_in_which_the_run_was_stopped() {
        let (mut hangs, start) = hangs(Some(1.0));
        let mut look = |after: Duration| {
            hangs.begin_look(start + after);
            hangs.look(WORKER, Some(item(0)), start + after)
        };
        assert_eq!(look(Duration::ZERO), None);
        assert_eq!(look(SECOND / 4), None);
        assert_eq!(look(100 * SECOND), None);
        assert_eq!(look(100 * SECOND + SECOND / 2), None);
        assert_eq!(look(101 * SECOND), Some(Step::Dump));
    }

    #[test]
    fn every_item_has_time_of_its_own() {
        let (mut hangs, start) = hangs(Some(1.0));
        for number in 10..20 {
            assert_eq!(hangs.look(WORKER, Some(item(number)), start + SECOND * number), None);
        }
        assert_eq!(hangs.look(WORKER, None, start + SECOND * 100), None);
        assert_eq!(hangs.look(WORKER, Some(item(19)), start + SECOND * 100), None);
    }

    #[test]
    fn who_goes_on_in_the_last_moment_lives() {
        let (mut hangs, start) = hangs(Some(1.0));
        hangs.look(WORKER, Some(item(0)), start);
        assert_eq!(hangs.look(WORKER, Some(item(0)), start + SECOND), Some(Step::Dump));
        assert_eq!(hangs.look(WORKER, Some(Doing::Leaving), start + 2 * SECOND), None);
        assert_eq!(hangs.bury(WORKER), None, "it died of something else");
    }

    #[test]
    fn items_may_be_given_more_time_or_all_of_it() {
        let (mut hangs, start) = hangs(Some(1.0));
        for (number, after, expected) in [(1, 2, None), (1, 3, Some(Step::Dump)), (2, 1000, None)] {
            hangs.look(WORKER, None, start);
            hangs.look(WORKER, Some(item(number)), start);
            assert_eq!(hangs.look(WORKER, Some(item(number)), start + SECOND * after), expected);
        }
    }

    #[test]
    fn without_a_limit_only_those_with_one_of_their_own_are_looked_at() {
        assert!(!hangs(None).0.are_allowed());
        assert!(Hangs::new(Patience::new(None, &[])).are_allowed());
        assert!(Hangs::new(Patience::new(Some(0.0), &[(ItemId(0), 0.0)])).are_allowed());
        let (mut hangs, start) = hangs(None);
        hangs.look(WORKER, Some(item(0)), start);
        assert_eq!(hangs.look(WORKER, Some(item(0)), start + 1000 * SECOND), None);
    }
}
