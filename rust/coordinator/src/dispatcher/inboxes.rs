//! What workers leave in shared memory instead of sending it.

use super::Dispatcher;
use crate::frame;
use crate::model::WorkerId;
use crate::outbox::{self, Inbox};
use crate::protocol::{Role, Upward};
use crate::signals::{self, Signal};

impl Dispatcher {
    /// Before a worker starts. Without room for it, the worker sends everything.
    pub(super) fn provide_outbox(&mut self, worker: WorkerId) {
        if let Ok(inbox) = Inbox::create(&outbox::path(&self.directory, worker)) {
            self.inboxes.insert(worker, inbox);
        }
    }

    /// Looks into all of them.
    pub(super) fn empty_inboxes(&mut self) {
        let workers: Vec<WorkerId> = self.inboxes.keys().copied().collect();
        for worker in workers {
            let process = self.processes.get(Role::Worker(worker));
            if let Some(received) = process.map(|process| process.received) {
                self.empty_inbox(worker, received);
            }
        }
    }

    /// Takes what the worker has left after these many messages on its connection.
    pub(super) fn empty_inbox(&mut self, worker: WorkerId, received: u32) {
        let Some(mut inbox) = self.inboxes.remove(&worker) else {
            return;
        };
        loop {
            match inbox.pop(received).map(|entry| entry.map(|bytes| frame::decode::<Upward>(&bytes))) {
                Ok(Some(Ok(message))) => self.receive(Role::Worker(worker), message),
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => {
                    // A test has written where it should not: nothing can be believed of this process any more.
                    if let Some(pid) =
                        self.processes.get(Role::Worker(worker)).and_then(|process| process.pid)
                    {
                        signals::send(pid, Signal::Kill);
                    }
                    return;
                }
            }
        }
        self.inboxes.insert(worker, inbox);
    }
}
