//! Events on their way to the controller, and those kept for the next one.

use crate::wire::{self, Event, Numbered};
use std::collections::VecDeque;

/// Events that are kept.
pub const KEPT: usize = 10_000;

/// The latest events as frames. Those that were sent are kept too, since a controller that died may not have read them.
#[derive(Default)]
pub struct Outbox {
    frames: VecDeque<Vec<u8>>,
    /// The number of the last event.
    last: u64,
    /// The number of the last event that was handed to a controller.
    sent: u64,
    lost: u64,
}

impl Outbox {
    /// Numbers an event and keeps it. When there are too many the oldest goes; it is lost if no controller had it.
    pub fn push(&mut self, event: Event) {
        self.last += 1;
        self.frames.push_back(wire::frame(&Numbered { n: self.last, event }));
        if self.frames.len() > KEPT {
            self.frames.pop_front();
            let oldest = self.last - self.frames.len() as u64;
            if oldest > self.sent {
                self.lost += 1;
                self.sent = oldest;
            }
        }
    }

    /// Goes on behind event `after`, which a new controller says is the last that it knows.
    pub fn rewind(&mut self, after: u64) {
        self.sent = after.clamp(self.last - self.frames.len() as u64, self.last);
    }

    /// Appends the frames that were not sent yet to `out`.
    pub fn take(&mut self, out: &mut Vec<u8>) {
        let unsent = (self.last - self.sent) as usize;
        for frame in self.frames.iter().skip(self.frames.len() - unsent) {
            out.extend_from_slice(frame);
        }
        self.sent = self.last;
    }

    /// Events that no controller ever had.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orphaned(i: usize) -> Event {
        Event::Orphaned { session: i.to_string() }
    }

    fn taken(outbox: &mut Outbox) -> Vec<u64> {
        let mut bytes = Vec::new();
        outbox.take(&mut bytes);
        let (mut numbers, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            let event: Numbered = wire::read(&bytes[at + 4..at + 4 + length]).unwrap();
            numbers.push(event.n);
            at += 4 + length;
        }
        numbers
    }

    #[test]
    fn events_are_numbered_and_sent_once() {
        let mut outbox = Outbox::default();
        outbox.push(orphaned(1));
        outbox.push(orphaned(2));
        assert_eq!(taken(&mut outbox), [1, 2]);
        outbox.push(orphaned(3));
        assert_eq!(taken(&mut outbox), [3]);
        assert!(taken(&mut outbox).is_empty());
    }

    #[test]
    fn a_new_controller_gets_again_what_the_dead_one_may_not_have_read() {
        let mut outbox = Outbox::default();
        for i in 0..5 {
            outbox.push(orphaned(i));
        }
        taken(&mut outbox);
        outbox.rewind(3);
        assert_eq!(taken(&mut outbox), [4, 5]);
        outbox.rewind(99);
        assert!(taken(&mut outbox).is_empty());
    }

    #[test]
    fn the_oldest_go_first_and_are_counted_when_nobody_had_them() {
        let mut outbox = Outbox::default();
        for i in 0..10 {
            outbox.push(orphaned(i));
        }
        taken(&mut outbox);
        for i in 0..KEPT + 3 {
            outbox.push(orphaned(i));
        }
        assert_eq!(outbox.lost(), 3);
        assert_eq!(taken(&mut outbox).first(), Some(&14));
        outbox.rewind(0);
        assert_eq!(taken(&mut outbox).len(), KEPT);
    }
}
