//! Freeing nested values without deep recursion.
//!
//! A template can nest a list a million levels deep; freeing it member by member would overflow
//! the stack. Containers hand their members over here when they die; below a certain depth members
//! wait in a queue that the outermost call empties.

use std::cell::{Cell, RefCell};

use super::{Cursor, Value};

const DEPTH: u32 = 64;

thread_local! {
    static NESTING: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Members>> = const { RefCell::new(Vec::new()) };
}

/// What waits to be freed.
enum Members {
    Values(#[expect(dead_code, reason = "kept to be dropped")] Vec<Value>),
    Cursor(#[expect(dead_code, reason = "kept to be dropped")] Cursor),
}

/// Frees the members of a container.
pub(crate) fn release(members: Vec<Value>) {
    if members.iter().any(may_nest) {
        free(Members::Values(members));
    }
}

/// Frees what an iterator holds.
pub(super) fn release_cursor(cursor: Cursor) {
    free(Members::Cursor(cursor));
}

fn free(members: Members) {
    // The thread is ending: nothing to queue in, free them as they are.
    let Ok(nesting) = NESTING.try_with(Cell::get) else { return };
    if nesting >= DEPTH {
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().push(members));
        return;
    }
    let _ = NESTING.try_with(|depth| depth.set(nesting + 1));
    drop(members);
    if nesting == 0 {
        while let Ok(Some(members)) = WAITING.try_with(|waiting| waiting.borrow_mut().pop()) {
            drop(members);
        }
    }
    let _ = NESTING.try_with(|depth| depth.set(nesting));
}

fn may_nest(value: &Value) -> bool {
    matches!(
        value,
        Value::Tuple(_)
            | Value::List(_)
            | Value::Dict(_)
            | Value::View(_)
            | Value::Iterator(_)
            | Value::Special(_)
            | Value::Undefined(_)
            | Value::Object(_)
    )
}
