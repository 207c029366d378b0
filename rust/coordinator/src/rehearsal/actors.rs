//! What processes do: the base and the template fork, workers run what they are given, and all of them die.

use std::collections::VecDeque;

use serde_bytes::ByteBuf;

use super::wire::{Sent, Wire, encoded};
use super::{Method, Rehearsal};
use crate::board::Board;
use crate::model::{ItemId, WorkerId};
use crate::outbox::{self, Outbox};
use crate::protocol::{Downward, ExitStatus, Role, Upward};
use crate::timings::Spent;

/// No system gives a process such a number: what is sent a signal is nobody.
pub(super) const FIRST_PID: u32 = 0x4000_0000;

pub(super) struct Actor {
    role: Role,
    pub(super) pid: u32,
    pub(super) wire: usize,
    parent: Option<usize>,
    pub(super) is_alive: bool,
    hands: Option<Hands>,
}

/// What a worker has in hand.
struct Hands {
    worker: WorkerId,
    board: Board,
    outbox: Option<Outbox>,
    leased: VecDeque<ItemId>,
    doing: Doing,
    question: u32,
    has_asked: bool,
    is_parked: bool,
    is_told_the_end: bool,
}

#[derive(Clone, Copy)]
enum Doing {
    Nothing,
    Calling(ItemId),
    TearingDown { item: ItemId, next: Option<ItemId> },
}

impl Hands {
    fn claim(&mut self) -> Option<ItemId> {
        while let Some(item) = self.leased.pop_front() {
            if self.board.claim(item, self.worker) {
                return Some(item);
            }
        }
        None
    }

    fn running(&self) -> Option<ItemId> {
        match self.doing {
            Doing::Nothing => None,
            Doing::Calling(item) | Doing::TearingDown { item, .. } => Some(item),
        }
    }
}

impl Rehearsal<'_> {
    /// A process is there, and greets. Its parent tells of it.
    pub(super) fn enter(&mut self, role: Role, parent: Option<usize>) -> usize {
        let pid = FIRST_PID + u32::try_from(self.actors.len()).expect("few actors");
        let wire = self.wires.len();
        self.wires.push(Wire::new(role, pid));
        self.actors.push(Actor { role, pid, wire, parent, is_alive: true, hands: None });
        if let Some(parent) = parent {
            self.say(parent, &Upward::Forked { role, pid });
        }
        self.actors.len() - 1
    }

    pub(super) fn say(&mut self, actor: usize, message: &Upward) {
        self.wires[self.actors[actor].wire].send(message);
    }

    /// Lets one of them do what it does next, if it lives.
    pub(super) fn go_on(&mut self, actor: usize) {
        while self.actors[actor].is_alive {
            let wire = self.actors[actor].wire;
            match self.wires[wire].receive() {
                Ok(Some(message)) => self.hear(actor, message),
                Ok(None) => break,
                // It is alone.
                Err(()) => self.die(actor, ExitStatus::Code(1)),
            }
        }
        if self.actors[actor].is_alive && self.actors[actor].hands.is_some() {
            self.work(actor);
        }
    }

    fn hear(&mut self, actor: usize, message: Downward) {
        match (message, &mut self.actors[actor].hands) {
            (Downward::Fork { worker, .. }, None) if self.choices.below(16) == 1 => {
                self.say(actor, &Upward::NotForked { role: Role::Worker(worker), reason: String::new() });
            }
            (Downward::Fork { worker, .. }, None) => {
                let child = self.enter(Role::Worker(worker), Some(actor));
                match self.method {
                    Method::Fork => self.get_ready(child, worker),
                    Method::Forkserver => {
                        self.say(child, &Upward::Configured);
                        self.say(child, &Upward::WantItems);
                    }
                }
            }
            (Downward::Become(worker), None) => {
                self.actors[actor].role = Role::Worker(worker);
                self.get_ready(actor, worker);
            }
            (Downward::Items(_), None) => {
                if let Role::Worker(worker) = self.actors[actor].role {
                    self.get_ready(actor, worker);
                }
            }
            (Downward::Quit, None) => self.die(actor, ExitStatus::Code(0)),
            (Downward::Lease(items), Some(hands)) => {
                hands.leased.extend(items);
                hands.has_asked = false;
            }
            (Downward::Park { question, .. }, Some(hands)) => {
                hands.is_parked |= hands.has_asked && question == hands.question;
            }
            (Downward::End | Downward::Quit, Some(hands)) => hands.is_told_the_end = true,
            (
                Downward::Configure(_)
                | Downward::Items(_)
                | Downward::Fork { .. }
                | Downward::Become(_)
                | Downward::Terminal(_),
                _,
            )
            | (Downward::Lease(_) | Downward::Park { .. } | Downward::End, None) => {}
        }
    }

    fn get_ready(&mut self, actor: usize, worker: WorkerId) {
        let directory = self.directory.path();
        // Whoever is lied to may come before there is a board.
        let Ok(board) = Board::open(&directory.join(crate::BOARD)) else {
            return self.die(actor, ExitStatus::Code(1));
        };
        self.actors[actor].hands = Some(Hands {
            worker,
            board,
            outbox: Outbox::open(&outbox::path(directory, worker)).ok(),
            leased: VecDeque::new(),
            doing: Doing::Nothing,
            question: 0,
            has_asked: true,
            is_parked: true,
            is_told_the_end: false,
        });
        self.say(actor, &Upward::Ready);
    }

    /// As `worker/loop.py`.
    fn work(&mut self, actor: usize) {
        let Some(hands) = &mut self.actors[actor].hands else {
            return;
        };
        match hands.doing {
            Doing::Nothing => {
                if let Some(item) = hands.claim() {
                    self.start(actor, item);
                } else if hands.is_told_the_end {
                    self.say(actor, &Upward::SessionEnded(ByteBuf::new()));
                    self.die(actor, ExitStatus::Code(0));
                } else {
                    self.ask(actor);
                }
            }
            Doing::Calling(item) => {
                let next = hands.claim();
                if next.is_some() || hands.is_told_the_end || (hands.has_asked && hands.is_parked) {
                    hands.doing = Doing::TearingDown { item, next };
                    hands.board.set_tearing_down(hands.worker);
                    if self.choices.below(4) == 1 {
                        self.report(actor, item, None, 1);
                    }
                } else {
                    self.ask(actor);
                }
            }
            Doing::TearingDown { item, next } => {
                self.report(actor, item, Some(Spent::default()), 0);
                self.books.ran(item);
                self.put_down(actor);
                if self.choices.below(16) == 1 {
                    self.outgrow(actor, next);
                } else if let Some(next) = next {
                    self.start(actor, next);
                }
            }
        }
    }

    fn start(&mut self, actor: usize, item: ItemId) {
        let Some(hands) = &mut self.actors[actor].hands else {
            return;
        };
        (hands.has_asked, hands.is_parked) = (false, false);
        if hands.board.is_stopped() {
            self.say(actor, &Upward::Released(item));
            return;
        }
        hands.doing = Doing::Calling(item);
        hands.board.begin(hands.worker, item, 0.0);
        self.books.begins(item);
    }

    /// Holds more memory than it may: leaves, for another to go on.
    fn outgrow(&mut self, actor: usize, next: Option<ItemId>) {
        self.say(actor, &Upward::Outgrown { bytes: 1, grew: Vec::new() });
        if let Some(next) = next {
            self.say(actor, &Upward::Released(next));
        }
        if let Some(hands) = &mut self.actors[actor].hands {
            hands.leased.clear();
            hands.is_told_the_end = true;
        }
    }

    fn put_down(&mut self, actor: usize) {
        if let Some(hands) = &mut self.actors[actor].hands {
            hands.doing = Doing::Nothing;
            hands.board.end(hands.worker);
        }
    }

    fn ask(&mut self, actor: usize) {
        if let Some(hands) = &mut self.actors[actor].hands
            && !hands.has_asked
        {
            hands.question += 1;
            (hands.has_asked, hands.is_parked) = (true, false);
            let question = hands.question;
            self.say(actor, &Upward::Starved(question));
        }
    }

    /// Leaves it in the outbox, or sends it.
    fn report(&mut self, actor: usize, item: ItemId, spent: Option<Spent>, failures: u32) {
        let message = Upward::Reports { item, failures, at: 0.0, spent, payload: ByteBuf::new() };
        let before = self.wires[self.actors[actor].wire].count;
        let outbox = self.actors[actor].hands.as_mut().and_then(|hands| hands.outbox.as_mut());
        let is_left = failures == 0 && self.choices.flag();
        if !(is_left && outbox.is_some_and(|outbox| outbox.push(before, &encoded(&message)))) {
            self.say(actor, &message);
        }
    }

    pub(super) fn let_any_go_on(&mut self) {
        let actor = self.choices.below(self.actors.len());
        self.go_on(actor);
    }

    /// A test is interrupted: by a signal, which any process may send.
    pub(super) fn interrupt_any(&mut self) {
        let actor = self.choices.below(self.actors.len());
        let running =
            self.actors[actor].hands.as_ref().and_then(|hands| Some((hands.running()?, hands.doing)));
        if let Some((item, doing)) = running
            && self.actors[actor].is_alive
        {
            self.say(actor, &Upward::Interrupted(item));
            if let Doing::TearingDown { next: Some(next), .. } = doing {
                self.say(actor, &Upward::Released(next));
            }
            self.say(actor, &Upward::WantsStop(ByteBuf::new()));
            self.put_down(actor);
        }
    }

    pub(super) fn let_any_die(&mut self) {
        let actor = self.choices.below(self.actors.len());
        self.die(actor, ExitStatus::Signal(11));
    }

    /// The process and all that it has forked end. Its parent tells of it, unless that is gone too.
    pub(super) fn die(&mut self, actor: usize, status: ExitStatus) {
        if !self.actors[actor].is_alive {
            return;
        }
        self.actors[actor].is_alive = false;
        for child in 0..self.actors.len() {
            if self.actors[child].parent == Some(actor) {
                self.die(child, ExitStatus::Signal(9));
            }
        }
        let Actor { pid, wire, parent, .. } = self.actors[actor];
        let witness = parent.filter(|&parent| self.actors[parent].is_alive);
        if let Some(parent) = witness {
            self.say(parent, &Upward::Exited { pid, status });
        }
        // Of the base nobody but its connection tells.
        if parent.is_some() && self.wires[wire].has_not_come() && self.choices.flag() {
            // It did not come to connect.
            self.wires[wire].sent.clear();
            return;
        }
        // What it has forked may hold its connection open; but if nobody tells of its end, that is the only sign.
        if witness.is_none() || self.choices.below(8) != 1 {
            self.wires[wire].sent.push_back(Sent::Closed);
        }
    }

    /// Of one that is dead.
    pub(super) fn tell_of_an_end_again(&mut self) {
        let actor = self.choices.below(self.actors.len());
        let Actor { pid, parent, is_alive, .. } = self.actors[actor];
        if let Some(parent) = parent.filter(|_| !is_alive) {
            self.say(parent, &Upward::Exited { pid, status: ExitStatus::Unknown });
        }
    }
}
