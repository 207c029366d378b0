//! Who may talk to the coordinator: a process of the run, with its secret and this version of the protocol.

use std::path::Path;
use std::time::Duration;

use coordinator::coordinator::Address;
use coordinator::error::FrameError;
use coordinator::event::Event;
use coordinator::frame::{self, FrameReader};
use coordinator::link::Link;
use coordinator::model::WorkerId;
use coordinator::protocol::{Downward, Hello, Role, Upward, VERSION};
use coordinator::transport;
use serde::Serialize;

#[test]
fn a_process_with_the_secret_is_heard() {
    let address = Address::bind().expect("an address");
    let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
    let mut coordinator = address.start(Some(std::process::id())).expect("threads");
    let mut link = Link::connect(&directory, &token, Role::Base).expect("a connection");
    link.send(&Upward::Note(vec![1, 2, 3].into())).expect("sent");
    let events = coordinator.next_events(Duration::from_secs(20)).expect("a living dispatcher");
    assert!(matches!(events.as_slice(), [Event::Note(payload)] if payload[..] == [1, 2, 3]));
    // The "base" is this very process: it has to be seen to leave, or it is killed as one that stays behind.
    drop(link);
    coordinator.close(Duration::from_secs(20), || false);
}

#[test]
fn a_process_without_the_secret_is_shown_the_door() {
    let address = Address::bind().expect("an address");
    let directory = address.directory().to_owned();
    let coordinator = address.start(Some(std::process::id())).expect("threads");
    let mut link = Link::connect(&directory, "guessed", Role::Base).expect("a connection");
    assert!(matches!(link.receive(true), Err(FrameError::Closed)));
    assert!(coordinator.next_events(Duration::from_millis(50)).is_ok_and(|events| events.is_empty()));
}

/// What the coordinator answers to a first message.
fn answer(directory: &Path, first: &impl Serialize) -> Result<Downward, FrameError> {
    let mut stream = transport::connect(&transport::address(directory)).expect("a connection");
    frame::write(&mut stream, first, &mut Vec::new()).expect("sent");
    FrameReader::default().next(&mut stream)
}

#[test]
fn another_first_message_is_no_greeting() {
    let address = Address::bind().expect("an address");
    let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
    let coordinator = address.start(Some(std::process::id())).expect("threads");
    let hello = |version, token: &str, role| Hello { version, token: token.to_owned(), role, pid: 1 };
    let unheard_of = Role::Worker(WorkerId(u32::MAX));
    for wrong in [
        hello(VERSION + 1, &token, Role::Base),
        hello(VERSION, &token[1..], Role::Base),
        hello(VERSION, &format!("{token}0"), Role::Base),
        hello(VERSION, "", Role::Base),
        hello(VERSION, &token, unheard_of),
    ] {
        assert!(matches!(answer(&directory, &wrong), Err(FrameError::Closed)));
    }
    assert!(matches!(answer(&directory, &Upward::Ready), Err(FrameError::Closed)));
    assert!(coordinator.next_events(Duration::from_millis(50)).is_ok_and(|events| events.is_empty()));
}

#[test]
fn of_two_that_are_the_same_the_first_one_counts() {
    let address = Address::bind().expect("an address");
    let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
    let mut coordinator = address.start(Some(std::process::id())).expect("threads");
    let mut first = Link::connect(&directory, &token, Role::Base).expect("a connection");
    first.send(&Upward::Note(vec![1].into())).expect("sent");
    assert_eq!(coordinator.next_events(Duration::from_secs(20)).map(|events| events.len()), Ok(1));
    let mut second = Link::connect(&directory, &token, Role::Base).expect("a connection");
    assert!(matches!(second.receive(true), Err(FrameError::Closed)));
    first.send(&Upward::Note(vec![2].into())).expect("it is still heard");
    assert_eq!(coordinator.next_events(Duration::from_secs(20)).map(|events| events.len()), Ok(1));
    drop(first);
    coordinator.close(Duration::from_secs(20), || false);
}

#[test]
fn a_stranger_does_not_take_the_place_of_a_process() {
    let address = Address::bind().expect("an address");
    let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
    let mut coordinator = address.start(Some(std::process::id())).expect("threads");
    let mut stranger = Link::connect(&directory, "guessed", Role::Base).expect("a connection");
    assert!(matches!(stranger.receive(true), Err(FrameError::Closed)));
    // This one says nothing at all.
    let _silent = transport::connect(&transport::address(&directory)).expect("a connection");
    let mut link = Link::connect(&directory, &token, Role::Base).expect("a connection");
    link.send(&Upward::Note(vec![1].into())).expect("sent");
    let events = coordinator.next_events(Duration::from_secs(20)).expect("a living dispatcher");
    assert!(matches!(events.as_slice(), [Event::Note(_)]));
    drop(link);
    coordinator.close(Duration::from_secs(20), || false);
}

#[test]
fn where_nothing_is_forked_nobody_is_the_base() {
    let address = Address::bind().expect("an address");
    let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
    let _coordinator = address.start(None).expect("threads");
    let mut link = Link::connect(&directory, &token, Role::Base).expect("a connection");
    assert!(matches!(link.receive(true), Err(FrameError::Closed)));
}

#[cfg(unix)]
#[test]
fn a_base_that_ends_before_it_connects_is_not_waited_for() {
    let address = Address::bind().expect("an address");
    let mut base = std::process::Command::new("true").spawn().expect("a process");
    let coordinator = address.start(Some(base.id())).expect("threads");
    let events = coordinator.next_events(Duration::from_secs(20)).expect("a living dispatcher");
    assert!(matches!(events.as_slice(), [Event::CollectorLost(_)]));
    assert!(base.wait().is_ok_and(|status| status.success()), "its status is left for its parent");
}

#[test]
fn the_directory_goes_with_the_coordinator() {
    let address = Address::bind().expect("an address");
    let directory = address.directory().to_owned();
    let mut coordinator = address.start(Some(std::process::id())).expect("threads");
    assert!(directory.is_dir());
    coordinator.close(Duration::from_secs(5), || false);
    assert!(!directory.exists());
}

#[test]
fn a_forked_copy_leaves_the_directory_alone() {
    let address = Address::bind().expect("an address");
    let directory = address.directory().to_owned();
    address.disown();
    assert!(directory.is_dir());
    std::fs::remove_dir_all(&directory).expect("removable");
}

#[test]
fn a_process_that_comes_too_late_is_not_left_waiting() {
    // The end may come before, while, or after the greeting is read: whichever it is, the connection ends.
    for round in 0..200_u64 {
        let address = Address::bind().expect("an address");
        let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
        let mut coordinator = address.start(Some(std::process::id())).expect("threads");
        let late = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(round));
            let Ok(mut link) = Link::connect(&directory, &token, Role::Base) else {
                return;
            };
            while link.receive(true).is_ok_and(|message| !matches!(message, Some(Downward::Quit))) {}
        });
        coordinator.close(Duration::from_secs(20), || false);
        late.join().expect("it is told the end");
    }
}
