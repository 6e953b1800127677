//! Faults of our own: a panic ends what was worked for at that moment, and nothing else.

use crate::orders::Subject;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static AT_WORK: Cell<Subject> = const { Cell::new(Subject::Worker) };
}

/// From now on this thread works for `subject`.
pub fn work_for(subject: Subject) {
    AT_WORK.set(subject);
    #[cfg(test)]
    provoked::work(subject);
}

/// Works for somebody else, and then again for whom it worked before.
pub fn within<T>(subject: Subject, work: impl FnOnce() -> T) -> T {
    let before = AT_WORK.get();
    work_for(subject);
    let done = work();
    AT_WORK.set(before);
    done
}

/// Works for somebody. The error is for whom it was when it panicked.
pub fn contain<T>(subject: Subject, work: impl FnOnce() -> T) -> Result<T, Subject> {
    let before = AT_WORK.get();
    let done = survive(|| {
        work_for(subject);
        work()
    });
    let at_fault = AT_WORK.replace(before);
    done.ok_or(at_fault)
}

/// Does what must not end the thread; `None` when it panicked (which is in the log). Whoever calls this gives up what the work
/// had in hand, since it may be half changed.
pub fn survive<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Work on a file begins.
#[cfg(not(test))]
pub fn work_on(_path: &str) {}
#[cfg(test)]
pub use provoked::work_on;

/// Faults that tests make.
#[cfg(test)]
pub mod provoked {
    use super::Subject;
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::sync::Mutex;

    thread_local! {
        static SUBJECTS: RefCell<Vec<(Subject, u32)>> = const { RefCell::new(Vec::new()) };
    }
    static PATHS: Mutex<Option<HashSet<String>>> = Mutex::new(None);

    /// The work that this thread will have begun for `subject` the `nth` time from now (from 1 on) panics.
    pub fn in_work_for(subject: Subject, nth: u32) {
        SUBJECTS.with_borrow_mut(|subjects| subjects.push((subject, nth)));
    }

    pub(super) fn work(subject: Subject) {
        let strikes = SUBJECTS.with_borrow_mut(|subjects| {
            let Some(at) = subjects.iter().position(|(one, _)| *one == subject) else { return false };
            subjects[at].1 -= 1;
            let strikes = subjects[at].1 == 0;
            if strikes {
                subjects.remove(at);
            }
            strikes
        });
        assert!(!strikes, "a fault that a test makes");
    }

    /// The next work on this file, in whatever thread, panics.
    pub fn in_work_on(path: &str) {
        PATHS.lock().unwrap().get_or_insert_default().insert(path.to_owned());
    }

    pub fn work_on(path: &str) {
        let strikes = PATHS.lock().unwrap().get_or_insert_default().remove(path);
        assert!(!strikes, "a fault that a test makes");
    }
}
