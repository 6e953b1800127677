//! Packets that wait for their turn, by sequence number.

use crate::codec::Codec;

/// Most packets that wait: 1.28 s of the usual ones.
pub const ROOM: u16 = 64;
/// The largest payload that is kept; a longer one is no sound.
const LARGEST: usize = 1500;

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Voice(Codec),
    /// A description of the noise behind a pause (RFC 3389).
    Noise,
}

/// One packet that came.
#[derive(Debug)]
pub struct Waiting {
    pub sequence: u16,
    pub timestamp: u32,
    pub content: Content,
    /// Its timestamp says nothing about the packets before it.
    pub jumps: bool,
    pub payload: Vec<u8>,
}

/// A ring of packets. Their memory is used again, so that in the long run nothing is allocated.
#[derive(Debug)]
pub struct Packets {
    slots: Box<[Option<Waiting>]>,
    spare: Vec<Vec<u8>>,
    count: usize,
}

impl Default for Packets {
    fn default() -> Self {
        Packets { slots: (0..ROOM).map(|_| None).collect(), spare: Vec::new(), count: 0 }
    }
}

impl Packets {
    /// Keeps a packet; false when it is there already, or is too large. Sequence numbers must be within [`ROOM`] of each other.
    pub fn put(
        &mut self,
        sequence: u16,
        timestamp: u32,
        content: Content,
        jumps: bool,
        payload: &[u8],
    ) -> bool {
        let slot = &mut self.slots[usize::from(sequence % ROOM)];
        if slot.is_some() || payload.len() > LARGEST {
            return false;
        }
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(payload);
        *slot = Some(Waiting { sequence, timestamp, content, jumps, payload: copy });
        self.count += 1;
        true
    }

    /// The first packet from the sequence number `next` on.
    pub fn first(&self, next: u16) -> Option<&Waiting> {
        if self.count == 0 {
            return None;
        }
        (0..ROOM).find_map(|ahead| self.slots[usize::from(next.wrapping_add(ahead) % ROOM)].as_ref())
    }

    /// Takes a packet out; its memory comes back with [`Packets::give_back`].
    pub fn take(&mut self, sequence: u16) -> Option<Waiting> {
        let taken = self.slots[usize::from(sequence % ROOM)].take_if(|waiting| waiting.sequence == sequence);
        self.count -= usize::from(taken.is_some());
        taken
    }

    pub fn give_back(&mut self, payload: Vec<u8>) {
        self.spare.push(payload);
    }

    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            self.spare.extend(slot.take().map(|waiting| waiting.payload));
        }
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCMU: Content = Content::Voice(Codec::Pcmu);

    #[test]
    fn packets_come_out_in_order_over_the_wrap_and_once() {
        let mut packets = Packets::default();
        for sequence in [1u16, 65_535, 0, 65_535] {
            packets.put(sequence, 0, PCMU, false, &[sequence as u8; 3]);
        }
        let mut next = 65_530;
        let mut order = Vec::new();
        while let Some(sequence) = packets.first(next).map(|waiting| waiting.sequence) {
            let waiting = packets.take(sequence).unwrap();
            assert_eq!(waiting.payload, [sequence as u8; 3]);
            packets.give_back(waiting.payload);
            order.push(sequence);
            next = sequence.wrapping_add(1);
        }
        assert_eq!(order, [65_535, 0, 1]);
        assert!(packets.count == 0 && packets.take(0).is_none());
    }

    #[test]
    fn memory_is_used_again() {
        let mut packets = Packets::default();
        for sequence in 0..1_000u16 {
            assert!(packets.put(sequence, 0, PCMU, false, &[0; 160]));
            let waiting = packets.take(sequence).unwrap();
            packets.give_back(waiting.payload);
        }
        assert_eq!(packets.spare.len(), 1);
        assert!(!packets.put(0, 0, PCMU, false, &[0; LARGEST + 1]));
    }
}
