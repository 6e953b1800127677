//! Pairs of ports: RTP on the even one, RTCP on the odd one above it.

use media_proto::{Micros, SECOND};
use std::collections::{HashMap, VecDeque};
use std::io;

/// How long a closed pair stays bound and unread, so that late packets of its last call meet nobody else's.
pub const DRAIN: Micros = 2 * SECOND;

/// A range of port pairs, given out in turn. `T` is what keeps a pair bound.
pub struct PortPool<T> {
    first: u16,
    used: Vec<bool>,
    next: usize,
    draining: VecDeque<(Micros, u16, T)>,
    held: HashMap<u16, T>,
}

/// One in so many of the pairs that nobody has is held at most.
const HELD: usize = 4;

/// Why no pair is given.
#[derive(Debug)]
pub enum Refused {
    /// All pairs are in use, draining, or somebody else's.
    Exhausted,
    /// The system does not bind, for a reason that another port would not cure.
    System(io::Error),
}

impl<T> PortPool<T> {
    /// The pairs within `first..=last`; `first` must be even.
    pub fn new(first: u16, last: u16) -> PortPool<T> {
        let pairs = (usize::from(last) + 1 - usize::from(first)) / 2;
        PortPool { first, used: vec![false; pairs], next: 0, draining: VecDeque::new(), held: HashMap::new() }
    }

    /// Binds the pair of the port `wish` if that is free, or else the next free one, with `bind` (given the even port). Pairs
    /// that others occupy are skipped.
    pub fn open(
        &mut self,
        now: Micros,
        wish: Option<u16>,
        mut bind: impl FnMut(u16) -> io::Result<T>,
    ) -> Result<(u16, T), Refused> {
        self.expire(now);
        let wished = wish.and_then(|port| self.pair_of(port));
        let (pairs, next) = (self.used.len(), self.next);
        let in_turn = (0..pairs).map(|step| (next + step) % pairs);
        for pair in wished.into_iter().chain(in_turn) {
            if self.used[pair] {
                continue;
            }
            let port = self.first + 2 * pair as u16;
            match bind(port) {
                Ok(bound) => {
                    self.used[pair] = true;
                    if Some(pair) != wished {
                        self.next = (pair + 1) % pairs;
                    }
                    return Ok((port, bound));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(Refused::System(error)),
            }
        }
        Err(Refused::Exhausted)
    }

    /// Binds a free pair that is to be [taken](PortPool::take) later; none when few are free.
    pub fn hold(&mut self, now: Micros, bind: impl FnMut(u16) -> io::Result<T>) -> Option<u16> {
        self.expire(now);
        if self.held.len() >= self.free().div_ceil(HELD) {
            return None;
        }
        let (port, bound) = self.open(now, None, bind).ok()?;
        self.held.insert(port, bound);
        Some(port)
    }

    /// Gives a pair that was held.
    pub fn take(&mut self, port: u16) -> Option<T> {
        self.held.remove(&port)
    }

    /// Takes a pair back that is held. No call was told of it, so it need not drain.
    pub fn release(&mut self, port: u16) {
        if let (Some(_), Some(pair)) = (self.held.remove(&port), self.pair_of(port)) {
            self.used[pair] = false;
        }
    }

    /// Takes all pairs back that are held.
    pub fn let_go(&mut self, now: Micros) {
        for (port, bound) in std::mem::take(&mut self.held) {
            self.close(now, port, bound);
        }
    }

    /// Which of ours a port is the even one of.
    fn pair_of(&self, port: u16) -> Option<usize> {
        let above = usize::from(port.checked_sub(self.first)?);
        (above % 2 == 0 && above / 2 < self.used.len()).then_some(above / 2)
    }

    /// Takes a pair back; it can be given out again [`DRAIN`] later.
    pub fn close(&mut self, now: Micros, port: u16, bound: T) {
        self.draining.push_back((now + DRAIN, port, bound));
    }

    /// Unbinds what has drained; returns when there is more to do.
    pub fn expire(&mut self, now: Micros) -> Option<Micros> {
        while let Some((until, port, _)) = self.draining.front() {
            if *until > now {
                return Some(*until);
            }
            self.used[usize::from((port - self.first) / 2)] = false;
            self.draining.pop_front();
        }
        None
    }

    /// Pairs that nobody uses (some may be occupied by other programs).
    pub fn free(&self) -> usize {
        self.used.iter().filter(|used| !**used).count() + self.held.len()
    }

    /// Pairs that drain.
    pub fn draining(&self) -> usize {
        self.draining.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pair_drains_for_two_seconds_before_it_is_given_out_again() {
        let mut pool = PortPool::new(20_000, 20_003);
        assert_eq!(pool.open(0, None, Ok).unwrap(), (20_000, 20_000));
        assert_eq!(pool.open(0, None, Ok).unwrap(), (20_002, 20_002));
        assert!(matches!(pool.open(0, None, Ok), Err(Refused::Exhausted)));
        pool.close(0, 20_000, 20_000);
        assert!(matches!(pool.open(DRAIN - 1, None, Ok), Err(Refused::Exhausted)));
        assert_eq!((pool.free(), pool.draining()), (0, 1));
        assert_eq!(pool.open(DRAIN, None, Ok).unwrap().0, 20_000);
        assert_eq!(pool.draining(), 0);
    }

    #[test]
    fn pairs_are_given_out_in_turn_and_occupied_ones_are_skipped() {
        let mut pool = PortPool::new(20_000, 20_009);
        let bind = |port| if port == 20_002 { Err(io::ErrorKind::AddrInUse.into()) } else { Ok(port) };
        assert_eq!(pool.open(0, None, bind).unwrap().0, 20_000);
        pool.close(0, 20_000, 20_000);
        assert_eq!(pool.open(DRAIN * 2, None, bind).unwrap().0, 20_004);
        assert_eq!(pool.open(DRAIN * 2, None, bind).unwrap().0, 20_006);
    }

    #[test]
    fn a_wished_pair_is_given_when_it_is_free_and_another_one_otherwise() {
        let mut pool = PortPool::new(20_000, 20_007);
        assert_eq!(pool.open(0, Some(20_004), Ok).unwrap().0, 20_004);
        assert_eq!(pool.open(0, Some(20_004), Ok).unwrap().0, 20_000);
        let occupied = |port| if port == 20_006 { Err(io::ErrorKind::AddrInUse.into()) } else { Ok(port) };
        assert_eq!(pool.open(0, Some(20_006), occupied).unwrap().0, 20_002);
        for foreign in [19_998, 20_001, 20_008] {
            let mut pool = PortPool::new(20_000, 20_007);
            assert_eq!(pool.open(0, Some(foreign), Ok).unwrap().0, 20_000, "{foreign}");
        }
    }

    #[test]
    fn pairs_are_held_while_many_are_free_and_count_as_free() {
        let mut pool = PortPool::new(20_000, 20_015);
        let held: Vec<_> = std::iter::from_fn(|| pool.hold(0, Ok)).collect();
        assert_eq!(held, [20_000, 20_002]);
        assert_eq!(pool.free(), 8);
        assert_eq!((pool.take(20_002), pool.take(20_002), pool.take(20_004)), (Some(20_002), None, None));
        assert_eq!(pool.free(), 7);
        assert_eq!(pool.open(0, None, Ok).unwrap().0, 20_004);
        pool.let_go(0);
        assert_eq!((pool.free(), pool.draining()), (5, 1));
        pool.expire(DRAIN);
        assert_eq!((pool.free(), pool.draining()), (6, 0));
    }

    #[test]
    fn the_last_pair_is_held_too_but_none_that_is_used() {
        let mut pool = PortPool::new(20_000, 20_003);
        pool.open(0, None, Ok).unwrap();
        assert_eq!(pool.hold(0, Ok), Some(20_002));
        assert_eq!(pool.hold(0, Ok), None);
        assert!(matches!(pool.open(0, None, Ok), Err(Refused::Exhausted)));
        assert_eq!(pool.take(20_002), Some(20_002));
        assert_eq!(pool.hold(0, Ok), None);
    }

    #[test]
    fn a_pair_that_was_held_is_given_to_somebody_else_at_once_and_no_other_is() {
        let mut pool = PortPool::new(20_000, 20_003);
        pool.open(0, None, Ok).unwrap();
        pool.hold(0, Ok).unwrap();
        for port in [20_000, 20_001, 19_998, 20_004] {
            pool.release(port);
            assert!(matches!(pool.open(0, None, Ok), Err(Refused::Exhausted)), "{port}");
        }
        pool.release(20_002);
        assert_eq!((pool.take(20_002), pool.free()), (None, 1));
        assert_eq!(pool.open(0, None, Ok).unwrap().0, 20_002);
    }

    #[test]
    fn an_address_that_is_not_ours_is_told_at_once() {
        let mut pool = PortPool::<u16>::new(20_000, 29_999);
        let mut tries = 0;
        let refused = pool.open(0, None, |_| {
            tries += 1;
            Err(io::ErrorKind::AddrNotAvailable.into())
        });
        assert!(matches!(refused, Err(Refused::System(_))));
        assert_eq!((tries, pool.free()), (1, 5000));
    }
}
