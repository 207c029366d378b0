//! How messages arrive: late, twice, or made up.

use serde_bytes::ByteBuf;

use super::Rehearsal;
use super::actors::FIRST_PID;
use super::wire::{Sent, Wire, encoded};
use crate::model::{
    Collection, FixtureScope, FixtureTimes, Item, ItemId, Membership, WideFixture, WideFixtures, WorkerId,
};
use crate::protocol::{ExitStatus, LeftProcess, Role, Upward};
use crate::timings::Spent;

impl Rehearsal<'_> {
    pub(super) fn deliver_any(&mut self) {
        let wire = self.choices.below(self.wires.len());
        self.deliver(wire);
    }

    /// The next message of a connection arrives; whether there was one.
    pub(super) fn deliver(&mut self, wire: usize) -> bool {
        let is_read = self.actors.iter().any(|actor| actor.wire == wire && actor.is_alive);
        let input = self.wires[wire].arrive(wire as u64, is_read);
        let is_any = input.is_some();
        if is_any {
            self.turn(input);
        }
        is_any
    }

    /// What was said of an item is said again.
    pub(super) fn double_any(&mut self) {
        let number = self.choices.below(self.wires.len());
        let wire = &mut self.wires[number];
        if let Some(bytes) = wire.last.clone() {
            wire.sent.push_back(Sent::Message(bytes));
            wire.count += 1;
        }
    }

    /// Somebody with the run's secret says anything, in a connection that is there or in one of its own.
    pub(super) fn forge(&mut self) {
        let stranger = self.choices.below(3) == 1;
        let wire = if stranger {
            let (role, pid) = (self.any_role(), self.any_pid());
            self.wires.push(Wire::new(role, pid));
            self.wires.len() - 1
        } else {
            self.choices.below(self.wires.len())
        };
        let message = self.anything();
        let sent = &mut self.wires[wire].sent;
        let at = self.choices.below(sent.len() + 1);
        sent.insert(at, Sent::Message(encoded(&message)));
        if stranger && self.choices.flag() {
            sent.push_back(Sent::Closed);
        }
    }

    fn any_role(&mut self) -> Role {
        match self.choices.below(8) {
            0 => Role::Base,
            1 => Role::Collector,
            2 => Role::Worker(WorkerId(u32::MAX - self.choices.number_below(4))),
            _ => Role::Worker(WorkerId(self.choices.number_below(8))),
        }
    }

    fn any_pid(&mut self) -> u32 {
        FIRST_PID + self.choices.number_below(16)
    }

    fn any_item(&mut self) -> ItemId {
        ItemId(match self.choices.below(8) {
            0 => u32::MAX - self.choices.number_below(4),
            _ => self.choices.number_below(40),
        })
    }

    fn any_seconds(&mut self) -> f32 {
        [0.0, 0.5, -1.0, f32::NAN, f32::INFINITY, f32::MAX][self.choices.below(6)]
    }

    fn anything(&mut self) -> Upward {
        let payload = ByteBuf::new();
        match self.choices.below(20) {
            0 => Upward::Note(payload),
            1 => Upward::Collected { collection: self.any_collection(), payload },
            2 => Upward::WantItems,
            3 => Upward::Configured,
            4 => Upward::Ready,
            5 | 6 => {
                let seconds = self.any_seconds();
                let spent = Spent { total: seconds, shared: seconds, ..Spent::default() };
                let spent = self.choices.flag().then_some(spent);
                let (item, failures) = (self.any_item(), self.any_item().0);
                Upward::Reports { item, failures, at: f64::from(seconds), spent, payload }
            }
            7 => Upward::SetUp { fixture: String::new(), seconds: self.any_seconds() },
            8 => Upward::Starved(self.choices.number_below(8)),
            9 => Upward::Released(self.any_item()),
            10 => Upward::Interrupted(self.any_item()),
            11 => Upward::SessionEnded(payload),
            12 => Upward::Outgrown { bytes: u64::MAX, grew: vec![(self.any_item(), u64::MAX)] },
            13 => Upward::Leaving(vec![LeftProcess {
                pid: self.any_pid(),
                parent: self.any_pid(),
                command: String::new(),
                tests: Vec::new(),
            }]),
            14 => Upward::NotForked { role: self.any_role(), reason: String::new() },
            15 => Upward::Forked { role: self.any_role(), pid: self.any_pid() },
            16 => Upward::WantsTerminal,
            17 => Upward::ReturnsTerminal,
            18 => Upward::Fixtures(vec![FixtureTimes {
                name: String::new(),
                scope: FixtureScope::Session,
                times: self.any_item().0,
                seconds: self.any_seconds(),
                longest: self.any_seconds(),
            }]),
            _ => Upward::Exited { pid: self.any_pid(), status: ExitStatus::Unknown },
        }
    }

    fn any_collection(&mut self) -> Collection {
        let count = self.choices.below(4);
        let items = (0..count).map(|_| self.any_strange_item()).collect();
        let each = vec![WideFixture {
            name: String::new(),
            of_package: self.choices.flag(),
            seconds: self.any_seconds().into(),
        }];
        let sets = vec![vec![self.choices.number_below(3)]];
        let patience = vec![(self.any_item(), self.any_seconds().into())];
        Collection { items, fixtures: WideFixtures { each, sets }, patience }
    }

    fn any_key(&mut self) -> u32 {
        if self.choices.below(16) == 1 { u32::MAX } else { self.choices.number_below(4) }
    }

    fn any_strange_item(&mut self) -> Item {
        Item {
            group: self.any_key(),
            atom: self.any_key(),
            membership: [Membership::Neighbours, Membership::Gathered, Membership::Loose]
                [self.choices.below(3)],
            serial: self.choices.flag(),
            shares_fixtures: self.choices.flag(),
            estimate: self.choices.flag().then(|| self.any_seconds().into()),
            price: self.choices.flag().then(|| self.any_seconds().into()),
            wide: self.choices.flag().then(|| self.choices.number_below(3)),
        }
    }
}
