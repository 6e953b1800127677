//! What is known of an incoming stream: loss and jitter as receiver reports tell them (RFC 3550 appendix A).

use crate::Micros;

/// Counts one source's packets.
#[derive(Clone, Debug, Default)]
pub struct RxStream {
    source: Option<Source>,
    packets: u64,
    octets: u64,
    /// Lost in streams (SSRCs) that are over.
    lost_before: i64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    base: u32,
    highest: u32,
    received: u64,
    /// Ticks of its RTP clock in a second.
    clock: u32,
    /// In timestamp units, times 16.
    jitter: u32,
    transit: u32,
    expected_prior: u64,
    received_prior: u64,
}

/// One report block's worth of measurements (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    pub ssrc: u32,
    /// Since the measurement before, of 256.
    pub fraction_lost: u8,
    pub lost: i64,
    pub highest_sequence: u32,
    /// In timestamp units.
    pub jitter: u32,
}

impl RxStream {
    /// Counts a valid packet that arrived at `now`, of a payload whose RTP clock has `clock` ticks in a second; true when its
    /// source is new (an SSRC not heard before it).
    pub fn receive(
        &mut self,
        now: Micros,
        clock: u32,
        ssrc: u32,
        sequence: u16,
        timestamp: u32,
        octets: usize,
    ) -> bool {
        self.packets += 1;
        self.octets += octets as u64;
        let arrival = (now * u64::from(clock) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(source) = &mut self.source
            && source.ssrc == ssrc
        {
            let step = sequence.wrapping_sub(source.highest as u16) as i16;
            if (-3000..=3000).contains(&step) {
                if step > 0 {
                    source.highest = source.highest.wrapping_add(step as u32);
                }
                source.received += 1;
                // Packets of one event share a timestamp, and a new clock is no jitter: leave wild values out.
                let difference = (transit.wrapping_sub(source.transit) as i32).unsigned_abs();
                if source.clock == clock && difference < clock {
                    let change = difference as i32 - ((source.jitter + 8) >> 4) as i32;
                    source.jitter = source.jitter.saturating_add_signed(change);
                }
                if source.clock != clock {
                    (source.clock, source.jitter) = (clock, 0);
                }
                source.transit = transit;
                return false;
            }
        }
        if let Some(old) = self.source.take() {
            self.lost_before += old.lost();
        }
        self.source = Some(Source {
            ssrc,
            base: u32::from(sequence),
            highest: u32::from(sequence),
            received: 1,
            clock,
            jitter: 0,
            transit,
            expected_prior: 0,
            received_prior: 0,
        });
        true
    }

    pub fn packets(&self) -> u64 {
        self.packets
    }

    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Packets lost over all sources; duplicates may make it smaller than it was.
    pub fn lost(&self) -> i64 {
        self.lost_before + self.source.as_ref().map_or(0, Source::lost)
    }

    /// Interarrival jitter in microseconds.
    pub fn jitter(&self) -> Micros {
        self.source
            .as_ref()
            .map_or(0, |source| u64::from(source.jitter >> 4) * 1_000_000 / u64::from(source.clock))
    }

    /// The measurements for a report block; the fraction lost counts from the last call (RFC 3550 A.3).
    pub fn measure(&mut self) -> Option<Measured> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let expected_interval = expected - source.expected_prior;
        let lost_interval = expected_interval as i64 - (source.received - source.received_prior) as i64;
        (source.expected_prior, source.received_prior) = (expected, source.received);
        let fraction_lost = if expected_interval == 0 || lost_interval <= 0 {
            0
        } else {
            ((lost_interval << 8) / expected_interval as i64).min(255) as u8
        };
        Some(Measured {
            ssrc: source.ssrc,
            fraction_lost,
            lost: source.lost(),
            highest_sequence: source.highest,
            jitter: source.jitter >> 4,
        })
    }
}

impl Source {
    fn expected(&self) -> u64 {
        u64::from(self.highest.wrapping_sub(self.base)) + 1
    }

    fn lost(&self) -> i64 {
        self.expected() as i64 - self.received as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME_MICROS;

    #[test]
    fn loss_is_counted_over_the_wrap_of_the_sequence() {
        let mut rx = RxStream::default();
        for (i, sequence) in [65_533u16, 65_534, 1, 2].iter().enumerate() {
            rx.receive(i as u64 * FRAME_MICROS, 8000, 7, *sequence, u32::from(*sequence) * 160, 160);
        }
        assert_eq!(rx.lost(), 2);
        let measured = rx.measure().unwrap();
        assert_eq!((measured.lost, measured.fraction_lost), (2, 85));
        assert_eq!(measured.highest_sequence, 65_538);
        assert_eq!(rx.measure().unwrap().fraction_lost, 0);
    }

    #[test]
    fn a_steady_stream_has_no_jitter_and_an_unsteady_one_has() {
        let (mut steady, mut shaken) = (RxStream::default(), RxStream::default());
        for i in 0..200u32 {
            let now = u64::from(i) * FRAME_MICROS;
            steady.receive(now, 8000, 1, i as u16, i * 160, 160);
            shaken.receive(now + u64::from(i % 2) * 5_000, 8000, 1, i as u16, i * 160, 160);
        }
        assert_eq!(steady.jitter(), 0);
        assert!((4_000..=5_200).contains(&shaken.jitter()), "{}", shaken.jitter());
    }

    #[test]
    fn jitter_is_told_in_time_whatever_the_clock() {
        let mut shaken = RxStream::default();
        for i in 0..200u32 {
            let now = u64::from(i) * FRAME_MICROS + u64::from(i % 2) * 5_000;
            shaken.receive(now, 48_000, 1, i as u16, i * 960, 60);
        }
        assert!((4_000..=5_200).contains(&shaken.jitter()), "{}", shaken.jitter());
        assert!((190..=250).contains(&shaken.measure().unwrap().jitter), "in ticks of its clock");
    }

    #[test]
    fn a_new_source_starts_its_own_count_and_keeps_the_old_loss() {
        let mut rx = RxStream::default();
        assert!(rx.receive(0, 8000, 1, 1, 0, 160));
        assert!(!rx.receive(0, 8000, 1, 3, 320, 160));
        assert!(rx.receive(0, 8000, 2, 9_000, 0, 160));
        assert_eq!((rx.lost(), rx.packets(), rx.octets()), (1, 3, 480));
    }
}
