//! How long the slow packets of a stream are under way, beside the others.

use crate::Micros;

/// Packets that are remembered: 10 s of the usual ones.
const MEMORY: usize = 500;
/// The width of a class of transit times, in µs.
const CLASS: i64 = 2_000;
/// Classes that are told apart: half a second.
const CLASSES: usize = 256;
/// One packet in so many may be later than the rest.
const RARE: usize = 100;
/// A packet whose transit differs from that of the one before by this much was made by another clock, in µs.
const JUMP: i64 = 1_000_000;

/// Transit times, as far as they can be known without the sender's clock: relative to the first packet's.
#[derive(Clone, Debug)]
pub struct Delay {
    /// When the first packet came, and its timestamp in µs of the stream.
    origin: Option<(Micros, i64)>,
    /// The transit time of the packet before.
    last: i64,
    counts: [u16; CLASSES],
    memory: Box<[u8; MEMORY]>,
    at: usize,
    remembered: usize,
    slow: i64,
    fast: i64,
}

impl Default for Delay {
    fn default() -> Self {
        Delay {
            origin: None,
            last: 0,
            counts: [0; CLASSES],
            memory: Box::new([0; MEMORY]),
            at: 0,
            remembered: 0,
            slow: 0,
            fast: 0,
        }
    }
}

impl Delay {
    /// Takes a packet that came at `now` and belongs at `place` (µs of the stream); true when that has nothing to do with the
    /// packets before it, so that everything begins anew.
    pub fn came(&mut self, now: Micros, place: i64) -> bool {
        let jumps = self.origin.is_some() && (self.transit(now, place) - self.last).abs() > JUMP;
        if self.origin.is_none() || jumps {
            *self = Delay { origin: Some((now, place)), ..Delay::default() };
        }
        let transit = self.transit(now, place);
        self.last = transit;
        let class = transit.div_euclid(CLASS).rem_euclid(CLASSES as i64) as usize;
        if self.remembered == MEMORY {
            self.counts[usize::from(self.memory[self.at])] -= 1;
        } else {
            self.remembered += 1;
        }
        self.memory[self.at] = class as u8;
        self.counts[class] += 1;
        self.at = (self.at + 1) % MEMORY;
        self.look(transit);
        jumps
    }

    /// Finds the slow and the fast anew. Classes are a ring, in which the latest packet is in the middle.
    fn look(&mut self, transit: i64) {
        let latest = transit.div_euclid(CLASS);
        let class = |number: i64| usize::from(self.counts[number.rem_euclid(CLASSES as i64) as usize]);
        let half = CLASSES as i64 / 2;
        let mut rare = self.remembered / RARE;
        let slow = (latest - half + 1..=latest + half).rev().find(|&number| {
            let count = class(number);
            let found = count > rare;
            rare = rare.saturating_sub(count);
            found
        });
        let fast = (latest - half + 1..=latest + half).find(|&number| class(number) > 0);
        self.slow = (slow.unwrap_or(latest) + 1) * CLASS;
        self.fast = fast.unwrap_or(latest) * CLASS;
    }

    /// The transit time of something that is at `place` in the stream and happens at `now`.
    pub fn transit(&self, now: Micros, place: i64) -> i64 {
        let (first, origin) = self.origin.unwrap_or((now, place));
        now as i64 - first as i64 - (place - origin)
    }

    /// The transit time that all packets but one in a hundred keep to.
    pub fn slow(&self) -> i64 {
        self.slow
    }

    /// That of the fastest.
    pub fn fast(&self) -> i64 {
        self.fast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(transits: impl Iterator<Item = i64>) -> Delay {
        let mut delay = Delay::default();
        delay.came(1_000_000, 0);
        for (n, transit) in transits.enumerate() {
            let place = (n as i64 + 1) * 20_000;
            assert!(!delay.came((1_000_000 + place + transit) as Micros, place));
        }
        delay
    }

    #[test]
    fn the_slow_are_all_but_one_in_a_hundred() {
        let delay = delay((0..1_000).map(|n| match n {
            _ if n % 200 == 0 => 200_000,
            _ if n % 10 == 0 => 41_000,
            _ => n % 3 * 1_000,
        }));
        assert_eq!((delay.slow(), delay.fast()), (42_000, 0));
    }

    #[test]
    fn what_was_long_ago_is_forgotten_and_drift_is_followed() {
        let mut shaken = delay((0..2_000).map(|n| if n < 500 && n % 5 == 0 { 100_000 } else { 0 }));
        assert_eq!(shaken.slow(), 2_000);
        // an hour of a sender whose clock is slow by 200 ppm: 720 ms
        shaken = delay((0..180_000).map(|n| n * 4));
        assert!((720_000..=724_000).contains(&shaken.slow()), "{}", shaken.slow());
        assert!((716_000..=720_000).contains(&shaken.fast()), "{}", shaken.fast());
    }

    #[test]
    fn a_timestamp_from_elsewhere_begins_anew() {
        let mut delay = delay(std::iter::repeat_n(0, 10));
        assert!(delay.came(1_220_000, 77_000_000));
        assert!(!delay.came(1_240_000, 77_020_000));
        assert_eq!(delay.transit(1_250_000, 77_020_000), 10_000);
    }
}
