//! What may lie in the cache as the record of a run: what the fuzzer has found to be worth keeping, and records that
//! nobody has written so.

#[path = "support/hostile_records.rs"]
mod hostile_records;

use std::path::Path;

use coordinator::model::{FixtureScope, FixtureTimes, ItemId, WorkerId};
use coordinator::record::{About, Execution, Failure, Happened, Place, Record, Theft};
use coordinator::record_file;
use coordinator::timings::Spent;
use proptest::prelude::*;

#[test]
fn the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/records");
    let files: Vec<_> = folder.read_dir().expect("a corpus").collect();
    assert!(!files.is_empty());
    for file in files {
        hostile_records::records(&std::fs::read(file.expect("an entry").path()).expect("a file"));
    }
}

/// Seldom what can't be: a record is refused for one of them.
fn seconds() -> impl Strategy<Value = f64> {
    let odd = [0.0, f64::MIN_POSITIVE, -1.0, 1e7, f64::NAN, f64::INFINITY, f64::MAX];
    prop_oneof![30 => 0.0..100.0_f64, 1 => prop::sample::select(odd.to_vec())]
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![30 => 0..4_u32, 1 => prop::sample::select(vec![1_000, u32::MAX])]
}

prop_compose! {
    fn execution()(item in 0..3_u32, worker in number(), ended in seconds(), each in prop::array::uniform5(seconds()))
        -> Execution
    {
        #[allow(clippy::cast_possible_truncation, reason = "any number will do")]
        let [total, cpu, setup, call, teardown] = each.map(|part| part as f32);
        let spent = Spent { total, cpu, setup, call, teardown, ..Spent::default() };
        Execution { item: ItemId(item), worker: WorkerId(worker), ended, spent }
    }
}

fn happened() -> impl Strategy<Value = Happened> {
    let worker = || number().prop_map(WorkerId);
    let theft = (worker(), worker(), number(), number(), any::<bool>()).prop_map(
        |(thief, victim, first, items, split)| {
            Happened::Stolen(Theft { thief, victim, first: ItemId(first % 3), items, split })
        },
    );
    let crash = (worker(), prop::option::of(number()), any::<bool>()).prop_map(|(worker, item, hung)| {
        Happened::Crashed { worker, item: item.map(|item| ItemId(item % 3)), hung }
    });
    prop_oneof![
        Just(Happened::Collected),
        worker().prop_map(Happened::Started),
        worker().prop_map(Happened::Ready),
        worker().prop_map(Happened::Ended),
        worker().prop_map(Happened::Replaced),
        crash,
        theft,
    ]
}

prop_compose! {
    fn record()(
        (seconds, workers, cores) in (seconds(), number(), number()),
        executions in prop::collection::vec(execution(), 0..8),
        events in prop::collection::vec((seconds(), happened()), 0..8),
        places in prop::option::of(prop::array::uniform3((0..6_u32, 0..6_u32, any::<u8>()))),
        failures in prop::collection::vec((prop::option::of(0..3_u32), "gw[0-9]{0,11}|"), 0..4),
        set_up in (number(), number(), seconds()),
    ) -> Record {
        let failure = |(item, worker): (Option<u32>, String)| Failure {
            item: item.map(ItemId),
            nodeid: "a.py::x".to_owned(),
            when: "call".to_owned(),
            worker,
            text: String::new(),
            sections: Vec::new(),
        };
        #[allow(clippy::cast_possible_truncation, reason = "any number will do")]
        let took = set_up.2 as f32;
        let fixture = FixtureTimes {
            name: "::db".to_owned(),
            scope: FixtureScope::Session,
            times: set_up.1,
            seconds: took,
            longest: took,
        };
        let place = |(group, atom, flags): (u32, u32, u8)| Place { group, atom, flags };
        Record {
            about: About { seconds, workers, cores, ..About::default() },
            nodeids: ["a.py::x", "a.py::y", "b.py::z"].map(str::to_owned).to_vec(),
            places: places.map_or_else(Vec::new, |places| places.map(place).to_vec()),
            executions,
            events,
            set_ups: vec![(WorkerId(set_up.0), fixture)],
            outcomes: vec![(ItemId(0), "failed".to_owned())],
            failures: failures.into_iter().map(failure).collect(),
            ..Record::default()
        }
    }
}

proptest! {
    #[test]
    fn any_record_can_be_shown(record in record()) {
        hostile_records::records(&record_file::encode(&record).expect("encodable"));
    }
}
