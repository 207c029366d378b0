//! The run in Chrome's trace event format, which Perfetto and `chrome://tracing` open: a thread for each worker.
//!
//! The format: "Trace Event Format", <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.

use coordinator::model::{ItemId, WorkerId};
use coordinator::record::{Execution, Happened, Record};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::lanes::{Lane, Lanes, Stretch};

/// The one process that the trace shows.
const PROCESS: u32 = 1;
/// What the controller does; workers are the threads behind it.
const CONTROLLER: u32 = 0;

/// Seconds between two tests of a worker in which it is called busy: reports are written, the next test is claimed.
const MOMENT: f64 = 0.005;

/// One event. Times are microseconds since the run's start.
#[derive(Clone, Debug, Serialize)]
struct Event<'a> {
    name: &'a str,
    cat: &'a str,
    /// What kind of event: `X` complete, `i` instant, `C` counter, `M` metadata.
    ph: char,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u32,
    tid: u32,
    /// Of an instant: `t` concerns its thread only.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<char>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    args: Map<String, Value>,
}

#[derive(Serialize)]
struct Trace<'a> {
    #[serde(rename = "traceEvents")]
    events: Vec<Event<'a>>,
    #[serde(rename = "displayTimeUnit")]
    unit: &'a str,
    #[serde(rename = "otherData")]
    other: Value,
}

/// The trace as JSON.
#[must_use]
pub fn trace(record: &Record) -> String {
    let lanes = Lanes::of(record);
    let mut events = vec![metadata("process_name", CONTROLLER, json!({"name": "pytest"}))];
    events.push(metadata("thread_name", CONTROLLER, json!({"name": "controller"})));
    if lanes.collected > 0.0 {
        events.push(complete("collection", "run", CONTROLLER, 0.0, lanes.collected, json!({})));
    }
    let outcomes = outcomes(record);
    for lane in &lanes.each {
        let name = lane_name(record, lane.worker);
        events.push(metadata("thread_name", thread(lane.worker), json!({"name": name})));
        events.push(metadata(
            "thread_sort_index",
            thread(lane.worker),
            json!({"sort_index": thread(lane.worker)}),
        ));
        live(record, lane, &outcomes, &mut events);
    }
    events.extend(record.events.iter().filter_map(|(at, happened)| instant(record, *at, *happened)));
    events.extend(busy(&lanes));
    let about = &record.about;
    let other =
        json!({"testrunuid": about.testrunuid, "versions": about.versions, "arguments": about.arguments});
    let trace = Trace { events, unit: "ms", other };
    // Texts and finite numbers can always be written.
    serde_json::to_string(&trace).unwrap_or_default()
}

/// The name of a worker, or of the process that ran the tests itself.
#[must_use]
pub fn lane_name(record: &Record, worker: WorkerId) -> String {
    if record.about.method.is_empty() { "pytest".to_owned() } else { worker.to_string() }
}

/// What became of each test that did not just pass: the last that was said.
#[must_use]
pub fn outcomes(record: &Record) -> Vec<Option<&str>> {
    let mut outcomes = vec![None; record.nodeids.len()];
    for (item, outcome) in &record.outcomes {
        let known = &mut outcomes[item.index()];
        if *known != Some("failed") && *known != Some("error") {
            *known = Some(&**outcome);
        }
    }
    outcomes
}

fn live<'a>(record: &'a Record, lane: &Lane, outcomes: &[Option<&'a str>], events: &mut Vec<Event<'a>>) {
    let tid = thread(lane.worker);
    if let Some(ready) = lane.ready.filter(|ready| *ready > lane.started) {
        events.push(complete("start", "worker", tid, lane.started, ready, json!({})));
    }
    for stretch in &lane.stretches {
        let nodeid = name(record, stretch.item);
        let outcome = match stretch.execution {
            Some(_) => outcomes.get(stretch.item.index()).copied().flatten().unwrap_or("passed"),
            None => lane.death.map_or("crashed", |death| death.word()),
        };
        events.push(complete(nodeid, "test", tid, stretch.began, stretch.ended, json!({"outcome": outcome})));
        if let Some(execution) = stretch.execution.and_then(|number| record.executions.get(number)) {
            events.extend(phases(tid, *stretch, execution));
        }
    }
}

/// What a test consists of, inside of it.
fn phases<'a>(
    tid: u32,
    stretch: Stretch,
    execution: &Execution,
) -> impl Iterator<Item = Event<'a>> + use<'a> {
    let spent = execution.spent;
    let parts = [
        ("fixtures", spent.shared + spent.session),
        ("setup", spent.setup),
        ("call", spent.call),
        ("teardown", spent.teardown),
    ];
    let mut from = stretch.began;
    parts.into_iter().filter(|(_, seconds)| *seconds > 0.0).map(move |(name, seconds)| {
        let to = (from + f64::from(seconds)).min(stretch.ended).max(from);
        let event = complete(name, "phase", tid, from, to, json!({}));
        from = to;
        event
    })
}

fn instant<'a>(record: &Record, at: f64, happened: Happened) -> Option<Event<'a>> {
    let (title, worker, args) = match happened {
        Happened::Crashed { worker, item, hung } => {
            let test = item.map(|item| name(record, item));
            (if hung { "hang" } else { "crash" }, worker, json!({"test": test}))
        }
        Happened::Replaced(worker) => ("replaced", worker, json!({})),
        Happened::Stolen(theft) => {
            let title = if theft.split { "split" } else { "steal" };
            let from = lane_name(record, theft.victim);
            (
                title,
                theft.thief,
                json!({"from": from, "first": name(record, theft.first), "tests": theft.items}),
            )
        }
        Happened::Collected | Happened::Started(_) | Happened::Ready(_) | Happened::Ended(_) => return None,
    };
    let event = event(title, "worker", 'i', thread(worker), at, args);
    Some(Event { s: Some('t'), ..event })
}

/// How many workers run tests, whenever that changes. The moment between two tests of a worker is no change.
fn busy<'a>(lanes: &Lanes) -> Vec<Event<'a>> {
    let is_near = |one: &Stretch, next: &Stretch| next.began - one.ended < MOMENT;
    let spells = lanes.each.iter().flat_map(|lane| lane.stretches.chunk_by(is_near));
    let spells = spells.filter_map(|spell| Some((spell.first()?.began, spell.last()?.ended)));
    let mut changes: Vec<(f64, i64)> = spells.flat_map(|(began, ended)| [(began, 1), (ended, -1)]).collect();
    changes.sort_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
    let mut count = 0;
    let mut events = Vec::new();
    for (number, &(at, change)) in changes.iter().enumerate() {
        count += change;
        if changes.get(number + 1).is_none_or(|next| next.0 > at) {
            events.push(event("busy workers", "run", 'C', CONTROLLER, at, json!({"workers": count})));
        }
    }
    events
}

fn thread(worker: WorkerId) -> u32 {
    worker.0.saturating_add(1)
}

fn name(record: &Record, item: ItemId) -> &str {
    record.nodeids.get(item.index()).map_or("", |nodeid| nodeid)
}

fn metadata(name: &str, tid: u32, args: Value) -> Event<'_> {
    event(name, "__metadata", 'M', tid, 0.0, args)
}

fn complete<'a>(name: &'a str, cat: &'a str, tid: u32, from: f64, to: f64, args: Value) -> Event<'a> {
    let dur = Some(microseconds(to) - microseconds(from)).map(|dur| dur.max(0.0));
    Event { dur, ..event(name, cat, 'X', tid, from, args) }
}

fn event<'a>(name: &'a str, cat: &'a str, ph: char, tid: u32, at: f64, args: Value) -> Event<'a> {
    let args = if let Value::Object(args) = args { args } else { Map::new() };
    Event { name, cat, ph, ts: microseconds(at), dur: None, pid: PROCESS, tid, s: None, args }
}

/// To a tenth of one, so that what is inside of something else stays there.
fn microseconds(seconds: f64) -> f64 {
    (seconds.max(0.0) * 1e7).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;
    use coordinator::record::Theft;
    use coordinator::timings::Spent;
    use proptest::prelude::*;

    fn events(record: &Record) -> Vec<Value> {
        let trace: Value = serde_json::from_str(&trace(record)).expect("JSON");
        trace["traceEvents"].as_array().expect("a list").clone()
    }

    #[test]
    fn tests_contain_their_phases() {
        let spent =
            Spent { total: 2.0, setup: 0.25, call: 1.0, teardown: 0.5, session: 0.125, ..Spent::default() };
        let record = Sample::new().worker(0, 0.0, 1.0).spent(0, "a.py::x", 3.0, spent).record();
        let of_worker = events(&record).into_iter().filter(|event| event["tid"] == 1 && event["ph"] == "X");
        let brief: Vec<_> = of_worker
            .map(|event| (event["name"].clone(), event["ts"].as_f64(), event["dur"].as_f64()))
            .collect();
        let expected = [
            ("start", 0.0, 1e6),
            ("a.py::x", 1e6, 2e6),
            ("fixtures", 1e6, 125e3),
            ("setup", 1.125e6, 250e3),
            ("call", 1.375e6, 1e6),
            ("teardown", 2.375e6, 500e3),
        ];
        assert_eq!(brief, expected.map(|(name, ts, dur)| (name.into(), Some(ts), Some(dur))));
    }

    #[test]
    fn workers_are_busy_between_one_test_and_the_next() {
        let record = Sample::new()
            .ran(0, "a.py::x", 0.0, 1.0)
            .ran(0, "a.py::y", 1.001, 2.0)
            .ran(0, "a.py::z", 2.5, 3.0)
            .ran(1, "b.py::x", 0.0, 0.5)
            .record();
        let counted = events(&record).into_iter().filter(|event| event["ph"] == "C");
        let counts: Vec<_> =
            counted.map(|event| (event["ts"].as_f64(), event["args"]["workers"].as_i64())).collect();
        let expected = [(0.0, 2), (0.5e6, 1), (2e6, 0), (2.5e6, 1), (3e6, 0)];
        assert_eq!(counts, expected.map(|(ts, workers)| (Some(ts), Some(workers))));
    }

    #[test]
    fn a_hang_is_not_called_a_crash() {
        let record = Sample::new().worker(0, 0.0, 1.0).hung(0, "a.py::y", 2.0).record();
        let events = events(&record);
        let test = events.iter().find(|event| event["name"] == "a.py::y").expect("the test");
        assert_eq!(test["args"]["outcome"], "hung");
        assert!(events.iter().any(|event| event["name"] == "hang" && event["ph"] == "i"));
    }

    #[test]
    fn what_happened_to_workers_is_marked() {
        let theft =
            Theft { thief: WorkerId(1), victim: WorkerId(0), first: ItemId(0), items: 3, split: true };
        let record = Sample::new()
            .ran(0, "a.py::x", 0.0, 1.0)
            .at(0.5, Happened::Stolen(theft))
            .crashed(0, "a.py::y", 2.0)
            .record();
        let marks: Vec<_> = events(&record).into_iter().filter(|event| event["ph"] == "i").collect();
        assert_eq!((&marks[0]["name"], &marks[0]["tid"]), (&json!("split"), &json!(2)));
        assert_eq!(marks[0]["args"], json!({"from": "gw0", "first": "a.py::x", "tests": 3}));
        assert_eq!((&marks[1]["name"], &marks[1]["args"]["test"]), (&json!("crash"), &json!("a.py::y")));
    }

    proptest! {
        #[test]
        fn every_event_is_one_of_the_format(record in Sample::any()) {
            for event in events(&record) {
                let phase = event["ph"].as_str().expect("a phase");
                prop_assert!(event["name"].is_string() && event["pid"] == 1 && event["tid"].is_u64());
                prop_assert!(event["ts"].as_f64().is_some_and(|ts| ts >= 0.0));
                prop_assert_eq!(phase == "X", event["dur"].as_f64().is_some_and(|dur| dur >= 0.0));
                prop_assert_eq!(phase == "i", event["s"] == "t");
                let named = ["process_name", "thread_name", "thread_sort_index"];
                let is_known = named.contains(&event["name"].as_str().expect("a name"));
                prop_assert!(["X", "i", "C"].contains(&phase) || (phase == "M" && is_known));
            }
        }
    }
}
