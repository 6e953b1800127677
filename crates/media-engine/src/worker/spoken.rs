//! What a leg says, decoded once for all who need it so: the mixer, the recorder, and legs of another codec.

use super::session::Session;
use media_proto::voice::{Arrival, Content, Heard, Voice};
use media_proto::{Micros, rtp};

impl Session {
    /// Whether a mixer or a recorder listens to it.
    pub fn is_listened_to(&self) -> bool {
        self.ear.is_some() || self.recorder.as_deref().is_some_and(|recorder| recorder.next.is_some())
    }

    /// Takes a packet for those who need it decoded.
    pub fn say(&mut self, now: Micros, packet: &rtp::Packet, content: Content, payload: &[u8]) {
        let spoken = self.spoken.get_or_insert_with(|| Box::new(Voice::default()));
        spoken.level(self.agc);
        let rtp::Packet { ssrc, sequence, timestamp, .. } = *packet;
        self.said += 1;
        spoken.put(now, &Arrival { ssrc, sequence, timestamp, content, payload });
    }

    /// Nobody needs it decoded any more.
    pub fn keep_silent(&mut self) {
        if let Some(spoken) = self.spoken.take() {
            self.heard_before.add(&spoken.heard());
        }
    }

    /// What became of all that was decoded of it.
    pub fn heard(&self) -> Heard {
        let mut heard = self.heard_before;
        if let Some(spoken) = &self.spoken {
            heard.add(&spoken.heard());
        }
        heard
    }

    /// From now on this leg takes what its source says decoded, by its own clock. Returns when its next packet is due.
    pub fn hear_anew(&mut self, now: Micros) -> Micros {
        self.heard.get_or_insert_default();
        if !self.filling {
            self.filling = true;
            self.next_packet = self.next_packet.max(now);
        }
        self.next_packet
    }
}
