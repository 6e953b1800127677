//! RTCP reports of a session.

use super::session::Session;
use media_proto::Micros;
use media_proto::rtcp::{self, MAX_LEN, Received, Report, Sent};
use media_proto::srtp::MAX_OVERHEAD;

impl Session {
    /// Sends a report: of what was sent since the last one, if anything, and of what was received. `unix` is the wall clock.
    pub fn report(&mut self, now: Micros, unix: Micros, goodbye: bool) {
        if self.reports.next.is_none() {
            return;
        }
        let (latch, socket) = if self.is_muxed() {
            (&self.latch, &self.sockets.rtp)
        } else {
            (&self.rtcp_latch, &self.sockets.rtcp)
        };
        let Some(target) = latch.target().filter(|_| self.may_send()) else { return };
        let received = self.rx.measure().map(|measured| {
            let (last_report, at) = self.reports.theirs.unwrap_or((0, now));
            Received { measured, last_report, delay: now - at }
        });
        let sent = (self.tx.packets() > self.reports.packets).then(|| Sent {
            ntp: rtcp::ntp(unix),
            timestamp: self.tx.timestamp_at(now),
            packets: self.tx.packets() as u32,
            octets: self.tx.octets() as u32,
        });
        self.reports.packets = self.tx.packets();
        let report = Report { ssrc: self.tx.ssrc(), cname: &self.reports.cname, sent, received, goodbye };
        let mut packet = [0; MAX_LEN + MAX_OVERHEAD];
        let mut length = report.write(&mut packet);
        if let Some(srtp) = &mut self.srtp {
            length = srtp.0.rtcp(&mut packet, length);
        }
        self.errors += u64::from(socket.send_to(&packet[..length], target).is_err());
    }
}
