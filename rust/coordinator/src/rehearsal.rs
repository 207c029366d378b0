//! A run without processes, for the tests and the fuzzer: the real dispatcher, board and outboxes, and actors that do what
//! real processes do. Bytes decide what happens next: who goes on, whose message arrives, who dies, whose end is told when.
//!
//! A run is [`Manners::Honest`] or [`Manners::Forging`]. In an honest one everything happens that can happen to processes
//! of ours: they die at any point, their parents tell of it early, late, twice or never, connections stay open behind
//! them, what they have sent arrives when they are long buried, and finished items are reported twice. In a forging one
//! anybody who has the run's secret says anything at all. What must hold is in [`books`].

mod actors;
mod books;
mod forger;
mod wire;

use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use serde_bytes::ByteBuf;

use crate::clock;
use crate::connection::{Input, Readers};
use crate::dispatcher::Dispatcher;
use crate::event::{Command, Event, Run};
use crate::model::{Collection, Item, Membership, WorkerId};
use crate::protocol::{ExitStatus, Role, Upward};
use crate::scheduler::Decision;
use actors::{Actor, FIRST_PID};
use books::Books;
use wire::{Sent, Wire};

/// Rounds in which everybody goes on, after which a run counts as one that never ends.
const PATIENCE: usize = 400;

/// No more items that workers died in run again.
const MOST_RERUNS: u32 = 2;

/// Longer than any time that the dispatcher waits for a sign of death.
const LONG: Duration = Duration::from_secs(3);

/// Whether anybody lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manners {
    Honest,
    Forging,
}

/// What happens, in the order of the bytes; when they are used up, 0.
struct Choices<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl Choices<'_> {
    fn are_made(&self) -> bool {
        self.bytes.len() == 0
    }

    fn next(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or_default()
    }

    /// A number below `count`, which is not 0.
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.next()) % count
    }

    fn number_below(&mut self, count: u8) -> u32 {
        u32::from(self.next() % count)
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// How the workers of this run come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// The template forks them.
    Fork,
    /// The collector becomes the first, the base forks the others.
    Forkserver,
}

struct Rehearsal<'a> {
    dispatcher: Dispatcher,
    events: Receiver<Vec<Event>>,
    directory: tempfile::TempDir,
    choices: Choices<'a>,
    manners: Manners,
    method: Method,
    options: Run,
    collection: Collection,
    actors: Vec<Actor>,
    /// A connection's number is its place here.
    wires: Vec<Wire>,
    books: Books,
    /// Workers that were asked for.
    launched: u32,
    /// Items that workers died in and that the controller lets run again.
    reruns: u32,
}

/// Plays the run that these bytes make.
///
/// # Panics
/// If anything does not hold that must.
pub fn run(bytes: &[u8]) {
    let mut rehearsal = Rehearsal::new(Choices { bytes: bytes.iter() });
    rehearsal.begin();
    while !rehearsal.choices.are_made() {
        rehearsal.step();
    }
    rehearsal.come_to_an_end();
}

impl<'a> Rehearsal<'a> {
    fn new(mut choices: Choices<'a>) -> Self {
        let manners = if choices.flag() { Manners::Forging } else { Manners::Honest };
        let method = if choices.flag() { Method::Forkserver } else { Method::Fork };
        let count = 2 + choices.below(10);
        let items = (0..count).map(|_| item(&mut choices)).collect();
        let collection = Collection { items, ..Collection::default() };
        let options = Run {
            workers: 1 + choices.number_below(4),
            max_restarts: choices.number_below(4),
            max_failures: [None, None, Some(1), Some(2)][choices.below(4)],
            fail_fast: choices.flag(),
            each: choices.below(4) == 1,
            hang_timeout: None,
            decides_crashes: choices.flag(),
            most_retries: MOST_RERUNS,
            replaces_grown: true,
            testrunuid: None,
            // Forked ones are configured with the template.
            configures_first: choices.flag() && method == Method::Forkserver,
        };
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (sender, inputs) = unbounded();
        let (event_sender, events) = unbounded();
        let path = directory.path().to_owned();
        let readers = Readers::new("".into(), sender);
        let history = std::sync::Arc::default();
        let dispatcher =
            Dispatcher::new(path, Some(FIRST_PID), inputs, readers, event_sender, history, || None);
        let (launched, reruns) = (0, 0);
        let (actors, wires) = (Vec::new(), Vec::new());
        let books = Books::new(options.decides_crashes, manners);
        Self {
            dispatcher,
            events,
            directory,
            choices,
            manners,
            method,
            options,
            collection,
            actors,
            wires,
            books,
            launched,
            reruns,
        }
    }

    /// The base and the process that collects come.
    fn begin(&mut self) {
        let base = self.enter(Role::Base, None);
        let collector = self.enter(Role::Collector, Some(base));
        let collection = self.collection.clone();
        self.say(collector, &Upward::Collected { collection, payload: ByteBuf::new() });
    }

    /// Something happens.
    fn step(&mut self) {
        match self.choices.below(16) {
            0..=4 => self.deliver_any(),
            5..=9 => self.let_any_go_on(),
            10 => {
                let by = [1, 11, 250, 3000][self.choices.below(4)];
                clock::put_forward(Duration::from_millis(by));
                self.turn(None);
            }
            11 => self.let_any_die(),
            12 => self.double_any(),
            13 if self.manners == Manners::Forging => self.forge(),
            13 => self.tell_of_an_end_again(),
            14 => self.command_anything(),
            15 => self.interrupt_any(),
            _ => {}
        }
    }

    fn turn(&mut self, input: Option<Input>) {
        self.dispatcher.turn(input);
        if let Some(ledger) = self.dispatcher.ledger() {
            books::adds_up(ledger);
        }
        let events: Vec<Event> = self.events.try_iter().flatten().collect();
        for event in &events {
            self.books.enter(event);
        }
        for event in events {
            self.answer(&event);
        }
    }

    fn command(&mut self, command: Command) {
        self.turn(Some(Input::Command(command)));
    }

    /// What the controller does about what it hears.
    fn answer(&mut self, event: &Event) {
        match event {
            Event::Collected { .. } => self.start_workers(),
            Event::Needed(_) => self.launch(),
            &Event::Terminal { worker, wanted: true } => self.command(Command::Lend(worker, true)),
            Event::Confirm(_) => {
                self.command(Command::Confirm(WorkerId(self.launched)));
                self.launch();
            }
            &Event::Crashed { item: Some(item), .. } if self.options.decides_crashes => {
                let decision = match self.choices.below(4) {
                    0 if self.reruns < MOST_RERUNS => Decision::Again,
                    1 if self.reruns < MOST_RERUNS => Decision::Alone,
                    _ => Decision::Crashed,
                };
                let again = decision != Decision::Crashed;
                self.reruns += u32::from(again);
                self.books.decided(item, again);
                self.command(Command::Decide(item, decision));
            }
            Event::Note(_)
            | Event::CollectorLost(_)
            | Event::Ready(_)
            | Event::Reports { .. }
            | Event::CannotBegin(_)
            | Event::WantsStop(_)
            | Event::Crashed { .. }
            | Event::NotReplaced { .. }
            | Event::NotStarted { .. }
            | Event::Outgrown { .. }
            | Event::MemoryShort { .. }
            | Event::Terminal { .. }
            | Event::LeftBehind { .. }
            | Event::Lingered(_)
            | Event::Ended { .. }
            | Event::Finished { .. } => {}
        }
    }

    fn start_workers(&mut self) {
        let early = self.method == Method::Forkserver && self.choices.flag();
        if early {
            self.start_all();
        }
        self.books.open();
        self.command(Command::Begin(self.options.clone()));
        self.command(Command::Items(ByteBuf::new()));
        if !early {
            self.start_all();
        }
    }

    fn start_all(&mut self) {
        for _ in 0..self.options.workers {
            self.launch();
        }
    }

    fn launch(&mut self) {
        let worker = WorkerId(self.launched);
        self.launched += 1;
        self.command(match self.method {
            Method::Fork => Command::Fork(worker, ByteBuf::new()),
            Method::Forkserver if worker.0 == 0 => Command::Become(worker),
            Method::Forkserver => Command::ForkFromBase(worker),
        });
    }

    fn command_anything(&mut self) {
        let worker = WorkerId(self.choices.number_below(6));
        match self.choices.below(8) {
            0 => self.command(Command::Stop),
            1 => self.command(Command::Interrupt),
            2 => {
                self.command(Command::Kill);
                for actor in 0..self.actors.len() {
                    self.die(actor, ExitStatus::Signal(9));
                }
            }
            _ => self.command(Command::Retire(worker)),
        }
    }

    /// Nothing bad happens any more: everybody goes on until the run is over, and then leaves.
    fn come_to_an_end(&mut self) {
        self.go_on_until(|rehearsal| rehearsal.books.are_closed());
        if !self.books.are_closed() {
            // Who was lied about may wait for ever, and nobody may tell of its end. The user kills the run, and then
            // everything must come to an end.
            let is_excused = self.manners == Manners::Forging || !self.books.are_open();
            assert!(is_excused, "the run does not end");
            for actor in 0..self.actors.len() {
                self.die(actor, ExitStatus::Signal(9));
            }
            self.dismiss_strangers();
            if self.manners == Manners::Forging {
                self.command(Command::Kill);
            }
            self.go_on_until(|rehearsal| rehearsal.books.are_closed());
            assert!(self.books.are_closed() || !self.books.are_open(), "the run outlives its processes");
        }
        if let Some(ledger) = self.dispatcher.ledger() {
            self.books.agree_with(ledger);
        }
        self.dismiss_strangers();
        self.command(Command::Quit);
        self.go_on_until(|rehearsal| rehearsal.dispatcher.is_over());
        if self.manners == Manners::Forging {
            // The end of a process may have been told to nobody. The controller's patience ends too.
            self.command(Command::Kill);
            self.go_on_until(|rehearsal| rehearsal.dispatcher.is_over());
        }
        assert!(self.dispatcher.is_over(), "the dispatcher waits for somebody who is gone");
    }

    /// Who is no actor has no process either, whose end would be told.
    fn dismiss_strangers(&mut self) {
        for (number, wire) in self.wires.iter_mut().enumerate() {
            if self.actors.iter().all(|actor| actor.wire != number) {
                wire.sent.push_back(Sent::Closed);
            }
        }
    }

    fn go_on_until(&mut self, is_reached: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if is_reached(self) {
                return;
            }
            for actor in 0..self.actors.len() {
                self.go_on(actor);
            }
            for wire in 0..self.wires.len() {
                while self.deliver(wire) {}
            }
            clock::put_forward(LONG);
            self.turn(None);
        }
    }
}

fn item(choices: &mut Choices<'_>) -> Item {
    let kind = choices.below(32);
    let membership = match kind / 8 {
        0 | 1 => Membership::Neighbours,
        2 => Membership::Gathered,
        _ => Membership::Loose,
    };
    Item {
        group: u32::from(kind & 3 == 3) + if membership == Membership::Neighbours { 0 } else { 2 },
        atom: u32::from(kind & 1 == 1),
        membership,
        serial: kind & 7 == 4,
        shares_fixtures: kind & 7 == 5,
        estimate: None,
        price: None,
        wide: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_fuzzer_has_kept_holds() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/protocol");
        let files: Vec<_> = std::fs::read_dir(corpus).expect("a corpus").collect();
        assert!(!files.is_empty());
        for file in files {
            run(&std::fs::read(file.expect("an entry").path()).expect("a file"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, max_shrink_iters: 4000, ..ProptestConfig::default() })]

        #[test]
        fn whatever_happens_every_item_has_one_end(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
            run(&bytes);
        }
    }
}
