//! What is told of a session: its counts, and how good its sound is on both ways.

use super::session::Session;
use crate::wire::SessionStats;
use media_proto::quality::{self, Measured};
use media_proto::{MS, Micros, SECOND};

impl Session {
    pub fn stats(&self, now: Micros) -> SessionStats {
        let (block, heard) = (self.reports.block, self.heard());
        SessionStats {
            ms: (now - self.opened) / MS,
            rx_packets: self.rx.packets(),
            rx_octets: self.rx.octets(),
            rx_lost: self.rx.lost(),
            rx_jitter_ms: self.rx.jitter() as f64 / 1000.0,
            heard_ms: heard.taken / MS,
            concealed_ms: heard.concealed / MS,
            rx_late: heard.late,
            buffer_ms: self.spoken.as_ref().map(|spoken| spoken.delay() as f64 / 1000.0),
            rx_strangers: self.strangers,
            rx_invalid: self.invalid,
            rx_unauthentic: self.unauthentic,
            tx_packets: self.tx.packets(),
            tx_octets: self.tx.octets(),
            tx_errors: self.errors,
            tx_lost: block.map(|block| block.lost),
            tx_reported: block.map(|_| self.reports.covered),
            tx_jitter_ms: block.map(|block| f64::from(block.jitter) * 1000.0 / f64::from(self.tx.clock())),
            rx_mos: self.rx_mos(),
            tx_mos: self.tx_mos(),
            rtt_ms: self.reports.round_trip.map(|micros| micros as f64 / 1000.0),
        }
    }

    /// How well the peer is heard here. Of what was decoded that is known (what came too late is lost too, what was repaired is
    /// not); of what was only forwarded the packets that never came are counted.
    fn rx_mos(&self) -> Option<f64> {
        let (came, lost) = (self.rx.packets() as f64, self.rx.lost().max(0) as f64);
        if came == 0.0 {
            return None;
        }
        let heard = self.heard();
        let decoded = if heard.taken == 0 { 0.0 } else { (self.said as f64 / came).min(1.0) };
        let concealed = heard.concealed as f64 / heard.taken.max(1) as f64;
        self.mos(decoded * concealed + (1.0 - decoded) * lost / (came + lost), self.rx.jitter())
    }

    /// How well the peer hears us, by its own reports.
    fn tx_mos(&self) -> Option<f64> {
        let block = self.reports.block?;
        let jitter = u64::from(block.jitter) * SECOND / u64::from(self.tx.clock());
        self.mos(f64::from(block.lost.max(0)) / self.reports.covered.max(1) as f64, jitter)
    }

    fn mos(&self, lost: f64, jitter: Micros) -> Option<f64> {
        let codec = self.remote.as_ref()?.first()?;
        let round_trip = self.reports.round_trip.unwrap_or(0);
        let mos = quality::mos(Measured { codec, lost, jitter, round_trip });
        Some((mos * 100.0).round() / 100.0)
    }
}
