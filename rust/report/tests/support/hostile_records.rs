//! What must hold whatever a file of a run says: shared by the tests and the fuzzer.

use coordinator::record_file;
use report::{page, trace};

/// The content of a file: whatever is read from it can be shown and replayed.
pub(crate) fn records(bytes: &[u8]) {
    let Some(record) = record_file::decode(bytes) else {
        return;
    };
    page::page(&record).expect("a page");
    assert!(trace::trace(&record).ends_with('}'), "a whole object");
    for trail in record.trails() {
        assert!(record.nodeids.get(trail.item.index()).is_some());
        assert!(record.order(trail.worker).count() >= trail.before);
    }
}
