//! What must hold whatever bytes come: shared by the tests and the fuzzer.

#![allow(dead_code, reason = "each target of the fuzzer looks at one of them")]

use coordinator::claims::TableClaims;
use coordinator::error::FrameError;
use coordinator::frame::{self, FrameReader, MAX_GREETING};
use coordinator::history::History;
use coordinator::model::{Collection, Item, Membership, WideFixture, WideFixtures};
use coordinator::plan::{Order, Plan};
use coordinator::protocol::{Downward, Hello, Upward};
use coordinator::scheduler::{Limits, Scheduler};
use coordinator::timings::{Findings, Spent, Timings};
use coordinator::timings_file;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that a reader asks for at a time, and a buffer's growth.
const SLACK: usize = 2 * (64 << 10);

/// A stream of messages: the first byte says how it is cut.
pub(crate) fn frames(bytes: &[u8]) {
    let Some((&cut, stream)) = bytes.split_first() else {
        return;
    };
    let cut = usize::from(cut) + 1;
    read::<Hello>(stream, cut, FrameReader::wary(), 4 * MAX_GREETING);
    read::<Upward>(stream, cut, FrameReader::default(), 2 * stream.len() + SLACK);
    read::<Downward>(stream, cut, FrameReader::default(), 2 * stream.len() + SLACK);
}

/// Reads until the first error. Nothing is held beyond what has come, and what is read is a message.
fn read<M: Serialize + DeserializeOwned>(stream: &[u8], cut: usize, mut reader: FrameReader, most: usize) {
    for mut chunk in stream.chunks(cut) {
        while !chunk.is_empty() {
            match reader.fill(&mut chunk) {
                Ok(()) => {}
                Err(error) => panic!("a slice can be read: {error}"),
            }
            loop {
                assert!(reader.capacity() <= most, "{} bytes are held", reader.capacity());
                match reader.pop::<M>() {
                    Ok(Some(message)) => is_itself(&message),
                    Ok(None) => break,
                    Err(FrameError::Decode(_) | FrameError::TooLarge { .. }) => return,
                    Err(error) => panic!("nothing was read: {error}"),
                }
            }
        }
    }
}

fn is_itself<M: Serialize + DeserializeOwned>(message: &M) {
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    frame::encode(message, &mut once).expect("it was decoded");
    let again: M = frame::decode(frame::body(&once)).expect("it was encoded");
    frame::encode(&again, &mut twice).expect("it was decoded");
    assert_eq!(once, twice);
}

/// The content of a file of timings: a run can be planned with whatever is read from it, and it can be written again.
pub(crate) fn timings(bytes: &[u8]) {
    let Some(timings) = timings_file::decode(bytes) else {
        return;
    };
    let nodeids: Vec<String> = timings.tests.keys().take(100).cloned().collect();
    let names: Vec<String> = timings.fixtures.keys().take(10).cloned().collect();
    plan(&timings, nodeids.clone(), &names);
    let spent = Spent { total: 1.0, ..Spent::default() };
    let tests = nodeids.into_iter().map(|nodeid| (nodeid, spent)).collect();
    let mut timings = timings;
    timings.add(Findings { tests, ..Findings::default() }, 20_000);
    let written = timings_file::encode(&timings).expect("it can be encoded");
    assert_eq!(timings_file::decode(&written).map(|read| read.tests.len()), Some(timings.tests.len()));
}

fn plan(timings: &Timings, nodeids: Vec<String>, names: &[String]) {
    let (expected, outlook) = History::default().begin(nodeids, names, timings);
    if let Some(outlook) = outlook {
        assert!(outlook.total.is_finite() && outlook.cpu.is_finite() && outlook.wide.is_finite());
    }
    let item = |(number, expected): (u32, &coordinator::history::Expected)| Item {
        group: number / 3,
        atom: number / 2,
        membership: Membership::Neighbours,
        serial: false,
        shares_fixtures: true,
        estimate: expected.seconds,
        price: expected.price,
        wide: Some(0),
    };
    let seconds = |name: &String| timings.fixtures[name].seconds().map_or(0.0, f64::from);
    let fixture = |name| WideFixture { name: String::new(), of_package: false, seconds: seconds(name) };
    let each: Vec<WideFixture> = names.iter().map(fixture).collect();
    let sets = vec![(0..).take(each.len()).collect()];
    let items = (0..).zip(&expected).map(item).collect();
    let collection = Collection { items, fixtures: WideFixtures { each, sets }, patience: Vec::new() };
    let plan = Plan::of(&collection, Order::Balanced);
    let claims = TableClaims::new(plan.len());
    assert!(!Scheduler::new(plan, 3, std::sync::Arc::new(claims), Limits::default()).is_undecided());
}
