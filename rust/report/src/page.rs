//! The run as one HTML page, which needs nothing else: its data, styles and scripts are in it.
//!
//! What is short is written by the template, and is there without scripts too; what is long (tests, failures, the
//! timeline) is made of the data by the scripts in `page/`. Texts of tests come into the page in two ways only: through
//! the template's escaping, and as JSON in which `<` is escaped as well.

use coordinator::model::WorkerId;
use coordinator::record::{About, Failure, Happened, Record};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error};
use serde::Serialize;

use crate::findings::findings;
use crate::lanes::{Lane, Lanes};
use crate::path::{Leg, Step, critical};
use crate::sums;
use crate::trace::{lane_name, outcomes};
use crate::words::{collects_itself, duration};

const TEMPLATE: &str = include_str!("../page/page.html");
const STYLE: &str = include_str!("../page/page.css");
/// In this order: each uses what stands before it.
const SCRIPTS: [&str; 6] = [
    include_str!("../page/basics.js"),
    include_str!("../page/timeline.js"),
    include_str!("../page/busy.js"),
    include_str!("../page/tests.js"),
    include_str!("../page/failures.js"),
    include_str!("../page/main.js"),
];
const UPLOT: &str = include_str!("../page/vendor/uplot/uPlot.iife.min.js");
/// It goes with every copy.
const UPLOT_LICENCE: &str = include_str!("../page/vendor/uplot/LICENSE");
const UPLOT_STYLE: &str = include_str!("../page/vendor/uplot/uPlot.min.css");
/// So many modules and fixtures are listed.
const MOST_LISTED: usize = 30;

/// What the template gets.
#[derive(Serialize)]
struct Page<'a> {
    style: String,
    scripts: String,
    tiles: Vec<Tile>,
    about: &'a About,
    left_out: u64,
    found: Vec<String>,
    path: Vec<Row>,
    modules: Vec<Row>,
    fixtures: Vec<Row>,
    data: Data<'a>,
}

/// What the scripts get. Times are microseconds since the run's start: whole numbers are short in JSON.
#[derive(Serialize)]
struct Data<'a> {
    nodeids: &'a [String],
    /// What outcomes there are; those of tests are places in here.
    outcomes: Vec<&'a str>,
    /// Of each test.
    outcome: Vec<usize>,
    runs: Runs,
    lanes: Vec<LaneData>,
    marks: Vec<Mark<'a>>,
    failures: &'a [Failure],
    end: i64,
}

/// A list for each column: in the order of workers, and for each in that of time.
#[derive(Default, Serialize)]
struct Runs {
    item: Vec<u32>,
    lane: Vec<usize>,
    began: Vec<i64>,
    total: Vec<i64>,
    fixtures: Vec<i64>,
    setup: Vec<i64>,
    call: Vec<i64>,
    teardown: Vec<i64>,
    /// Places in the other lists: its worker died in it; in those of `hung` it was killed.
    died: Vec<usize>,
    hung: Vec<usize>,
}

#[derive(Serialize)]
struct LaneData {
    name: String,
    started: i64,
    ready: Option<i64>,
    /// When it had ended, or died.
    ended: i64,
    died: bool,
    note: String,
}

/// Something to see on the timeline.
#[derive(Serialize)]
struct Mark<'a> {
    at: i64,
    lane: usize,
    kind: &'a str,
    text: String,
}

/// A number with its name, at the head of the page.
#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
}

/// A line of a table that the template writes.
#[derive(Serialize)]
struct Row {
    name: String,
    details: String,
    time: String,
    /// Of the longest line, in percent.
    share: f64,
}

/// The page as HTML.
///
/// # Errors
/// An error of the template, which is one of this crate.
pub fn page(record: &Record) -> Result<String, Error> {
    let lanes = Lanes::of(record);
    let fixtures = sums::fixtures(record);
    let found = findings(record, &lanes, &fixtures);
    let found: Vec<String> = found.iter().map(|finding| finding.text(record)).collect();
    let path = rows(longest_legs(record, &critical(record, &lanes)).into_iter());
    let modules = rows(sums::modules(record, &lanes).into_iter().take(MOST_LISTED).map(|module| {
        let mut details = format!("{}, {}", count(module.tests, "test"), count(module.workers, "worker"));
        if module.shared > 0.0 {
            details = format!("{details}, shared fixtures {}", duration(module.shared));
        }
        (module.name, details, module.seconds)
    }));
    let fixtures = rows(fixtures.into_iter().take(MOST_LISTED).map(|fixture| {
        let times = count(fixture.times, "time");
        let details =
            format!("{}, set up {times}, longest {}", fixture.scope.name(), duration(fixture.longest));
        (fixture.name, details, fixture.seconds)
    }));
    let data = data(record, &lanes);
    let page = Page {
        style: format!("{UPLOT_STYLE}\n{STYLE}"),
        scripts: format!("/*! {UPLOT_LICENCE}*/\n{UPLOT}\n{}", SCRIPTS.concat()),
        tiles: tiles(record, &lanes, &data),
        about: &record.about,
        left_out: record.left_out,
        found,
        path,
        modules,
        fixtures,
        data,
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_str(TEMPLATE, Serde(page))
}

fn tiles(record: &Record, lanes: &Lanes, data: &Data<'_>) -> Vec<Tile> {
    let mut tiles = vec![Tile { name: "tests", value: record.nodeids.len().to_string() }];
    for (number, name) in data.outcomes.iter().enumerate() {
        let tests = data.outcome.iter().filter(|outcome| **outcome == number).count();
        // The list of outcomes is pytest's, and a plugin may have its own words.
        let name = ["passed", "failed", "error", "skipped", "xfailed", "xpassed", "rerun", NOT_RUN]
            .into_iter()
            .find(|known| known == name);
        if let Some(name) = name.filter(|_| tests > 0) {
            tiles.push(Tile { name, value: tests.to_string() });
        }
    }
    tiles.push(Tile { name: "run", value: duration(record.about.seconds) });
    tiles.push(Tile { name: "tests took", value: duration(lanes.makespan()) });
    if !record.about.method.is_empty() {
        tiles.push(Tile { name: "workers", value: record.about.workers.to_string() });
        tiles.push(Tile { name: "utilisation", value: format!("{:.0} %", lanes.utilisation() * 100.0) });
    }
    tiles
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn rows(rows: impl Iterator<Item = (String, String, f64)>) -> Vec<Row> {
    let rows: Vec<_> = rows.collect();
    let longest = rows.iter().map(|row| row.2).fold(f64::MIN_POSITIVE, f64::max);
    let row = |(name, details, seconds): (String, String, f64)| Row {
        name,
        details,
        time: duration(seconds),
        share: (seconds / longest * 1000.0).round() / 10.0,
    };
    rows.into_iter().map(row).collect()
}

/// The steps of the critical path in the order of time; of many, the longest, and the rest in one line.
fn longest_legs(record: &Record, legs: &[Leg]) -> Vec<(String, String, f64)> {
    let mut seconds: Vec<f64> = legs.iter().map(Leg::seconds).collect();
    seconds.sort_by(|one, other| other.total_cmp(one));
    let least = seconds.get(MOST_LISTED).copied().unwrap_or(-1.0);
    let (longer, shorter): (Vec<&Leg>, Vec<&Leg>) = legs.iter().partition(|leg| leg.seconds() > least);
    let mut rows: Vec<_> = longer
        .into_iter()
        .map(|leg| {
            let (name, details) = leg_text(record, leg);
            (name, details, leg.seconds())
        })
        .collect();
    if !shorter.is_empty() {
        let rest = shorter.iter().map(|leg| leg.seconds()).sum();
        rows.push((format!("{} in between", count(shorter.len(), "shorter step")), String::new(), rest));
    }
    rows
}

/// What a step of the critical path is, and more about it.
fn leg_text(record: &Record, leg: &Leg) -> (String, String) {
    let lane = |worker: &WorkerId| lane_name(record, *worker);
    match &leg.step {
        Step::Collection => ("start and collection".to_owned(), String::new()),
        Step::Start(worker) if collects_itself(&record.about, *worker) => {
            (format!("{} starts, and collects for itself", lane(worker)), String::new())
        }
        Step::Start(worker) => (format!("{} starts", lane(worker)), String::new()),
        Step::Tests { worker, module, count: tests, longest: (item, seconds) } => {
            let nodeid = record.nodeids.get(item.index()).map_or("", |nodeid| nodeid);
            let tests = count(*tests, "test");
            let longest = format!("{tests}, longest {nodeid} ({})", duration(*seconds));
            (format!("{} runs {module}", lane(worker)), longest)
        }
        Step::Wait(worker) => (format!("{} has nothing to do", lane(worker)), String::new()),
        Step::End => ("last teardowns and summary".to_owned(), String::new()),
    }
}

/// What a test is that nobody has reported anything of.
const NOT_RUN: &str = "not run";

fn data<'a>(record: &'a Record, lanes: &Lanes) -> Data<'a> {
    let mut names = vec!["passed"];
    let mut number = |name: &'a str| {
        names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        })
    };
    let mut ran = vec![false; record.nodeids.len()];
    for execution in &record.executions {
        ran[execution.item.index()] = true;
    }
    let outcome = outcomes(record).into_iter().zip(ran);
    let outcome = outcome
        .map(|(outcome, ran)| number(outcome.unwrap_or(if ran { "passed" } else { NOT_RUN })))
        .collect();
    Data {
        nodeids: &record.nodeids,
        outcome,
        outcomes: names,
        runs: runs(record, lanes),
        lanes: lanes.each.iter().map(|lane| lane_data(record, lanes, lane)).collect(),
        marks: marks(record, lanes),
        failures: &record.failures,
        end: microseconds(record.about.seconds.max(lanes.last)),
    }
}

fn runs(record: &Record, lanes: &Lanes) -> Runs {
    let mut runs = Runs::default();
    for (lane, stretch) in lanes
        .each
        .iter()
        .enumerate()
        .flat_map(|(number, lane)| lane.stretches.iter().map(move |stretch| (number, stretch)))
    {
        let spent = stretch.execution.and_then(|number| record.executions.get(number)).map(|run| run.spent);
        if spent.is_none() {
            runs.died.push(runs.item.len());
            if lanes.each[lane].death.is_some_and(|death| death.hung) {
                runs.hung.push(runs.item.len());
            }
        }
        let spent = spent.unwrap_or_default();
        runs.item.push(stretch.item.0);
        runs.lane.push(lane);
        runs.began.push(microseconds(stretch.began));
        runs.total.push(microseconds(stretch.seconds()));
        runs.fixtures.push(microseconds(f64::from(spent.shared + spent.session)));
        runs.setup.push(microseconds(f64::from(spent.setup)));
        runs.call.push(microseconds(f64::from(spent.call)));
        runs.teardown.push(microseconds(f64::from(spent.teardown)));
    }
    runs
}

fn lane_data(record: &Record, lanes: &Lanes, lane: &Lane) -> LaneData {
    let (from, to) = lanes.presence(lane);
    let share = if to > from { lane.busy() / (to - from) } else { 0.0 };
    let mut note = format!(
        "{}, busy {} ({:.0} %)",
        count(lane.stretches.len(), "test"),
        duration(lane.busy()),
        share.min(1.0) * 100.0
    );
    if let Some(replaced) = lane.replaces {
        note = format!("{note}, in the place of {}", lane_name(record, replaced));
    }
    let ended = lane.death.map(|death| death.at).or(lane.ended).unwrap_or(lanes.last);
    LaneData {
        name: lane_name(record, lane.worker),
        started: microseconds(lane.started),
        ready: lane.ready.map(microseconds),
        ended: microseconds(ended),
        died: lane.death.is_some(),
        note,
    }
}

fn marks<'a>(record: &Record, lanes: &Lanes) -> Vec<Mark<'a>> {
    let place = |worker| lanes.each.iter().position(|lane| lane.worker == worker);
    let mark = |at, worker, kind, text| Some(Mark { at: microseconds(at), lane: place(worker)?, kind, text });
    let of = |&(at, happened): &(f64, Happened)| match happened {
        Happened::Stolen(theft) => {
            let tests = count(theft.items as usize, "test");
            let victim = lane_name(record, theft.victim);
            let (kind, text) = if theft.split {
                ("split", format!("takes {tests} of what {victim} had begun"))
            } else {
                ("steal", format!("takes {tests} that {victim} had not begun"))
            };
            mark(at, theft.thief, kind, text)
        }
        Happened::Crashed { worker, item, hung } => {
            let what = if hung { "hung, and was killed," } else { "crashed" };
            let nodeid = item.and_then(|item| record.nodeids.get(item.index()));
            let text = nodeid.map_or_else(|| what.to_owned(), |nodeid| format!("{what} in {nodeid}"));
            mark(at, worker, "crash", text)
        }
        Happened::Collected
        | Happened::Started(_)
        | Happened::Ready(_)
        | Happened::Ended(_)
        | Happened::Replaced(_) => None,
    };
    record.events.iter().filter_map(of).collect()
}

#[allow(clippy::cast_possible_truncation, reason = "saturates")]
fn microseconds(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;
    use coordinator::model::ItemId;
    use coordinator::timings::Spent;
    use serde_json::{Value, json};

    /// The data in a page.
    fn data_of(page: &str) -> Value {
        let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("data");
        let (data, _) = rest.split_once("</script>").expect("an end");
        serde_json::from_str(data).expect("JSON")
    }

    #[test]
    fn the_page_has_its_data() {
        let spent = Spent { total: 2.0, setup: 0.25, call: 1.0, shared: 0.5, ..Spent::default() };
        let mut record = Sample::new()
            .worker(0, 0.0, 1.0)
            .spent(0, "a.py::x", 3.0, spent)
            .crashed(0, "a.py::y", 4.0)
            .ran(1, "a.py::z", 0.0, 1.0)
            .record();
        record.nodeids.push("a.py::never".to_owned());
        record.outcomes = vec![(ItemId(0), "failed".to_owned()), (ItemId(1), "failed".to_owned())];
        let data = data_of(&page(&record).expect("a page"));
        let outcomes: Vec<&Value> = data["outcome"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|number| {
                &data["outcomes"][usize::try_from(number.as_u64().expect("a number")).expect("small")]
            })
            .collect();
        assert_eq!(outcomes, ["failed", "failed", "passed", "not run"]);
        assert_eq!(data["runs"]["item"], json!([0, 1, 2]));
        assert_eq!(data["runs"]["began"], json!([1_000_000, 3_000_000, 0]));
        assert_eq!(data["runs"]["fixtures"], json!([500_000, 0, 0]));
        assert_eq!(data["runs"]["died"], json!([1]));
        assert_eq!(data["lanes"][0]["died"], json!(true));
        assert_eq!(data["marks"][0]["text"], json!("crashed in a.py::y"));
    }

    #[test]
    fn a_hang_is_told_from_a_crash() {
        let record =
            Sample::new().worker(0, 0.0, 1.0).hung(0, "a.py::x", 4.0).crashed(1, "a.py::y", 2.0).record();
        let data = data_of(&page(&record).expect("a page"));
        assert_eq!((&data["runs"]["died"], &data["runs"]["hung"]), (&json!([0, 1]), &json!([0])));
        assert_eq!(data["marks"][0]["text"], json!("hung, and was killed, in a.py::x"));
    }

    #[test]
    fn nothing_of_a_test_ends_a_script_or_begins_an_element() {
        let hostile = "a.py::</script><img src=x onerror=alert(1)>\u{2028}\0\u{1b}[31m{{ 7*7 }}<!--";
        let mut record = Sample::new().ran(0, hostile, 0.0, 1.0).set_up(0, hostile, 0.5).record();
        let text = hostile.to_owned();
        record.failures.push(Failure {
            item: Some(ItemId(0)),
            nodeid: text.clone(),
            when: "call".to_owned(),
            worker: "gw0".to_owned(),
            text: text.clone(),
            sections: vec![(text.clone(), text.clone())],
        });
        record.about.arguments = vec![text.clone()];
        let page = page(&record).expect("a page");
        assert!(
            !page.contains("<img") && !page.contains("</script><img") && !page.contains("a.py::</script>")
        );
        assert_eq!(page.matches("</script>").count(), 2);
        let data = data_of(&page);
        assert_eq!(data["nodeids"][0], json!(hostile), "as it was, in the data");
        assert_eq!(data["failures"][0]["sections"][0][1], json!(hostile));
    }

    #[test]
    fn it_asks_for_nothing() {
        let page = page(&Record::default()).expect("a page");
        assert!(page.contains("default-src 'none'"));
        for reference in [" src=", " href=\"http", "@import", "url(", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(reference), "{reference}");
        }
    }
}
