//! RTP packets (RFC 3550 §5.1): reading what a peer sent, writing ours.

/// Length of the header we write: no CSRC, no extension.
pub const HEADER_LEN: usize = 12;

/// What a received packet says; `payload` is its range in the datagram, without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: std::ops::Range<usize>,
}

/// Why a datagram is not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than the header it announces.
    Short,
    /// Not version 2.
    Version,
    /// More padding than there is payload, or none where the P bit says so.
    Padding,
}

/// Reads a datagram as RTP.
pub fn parse(datagram: &[u8]) -> Result<Packet, Malformed> {
    let header: &[u8; HEADER_LEN] = datagram.first_chunk().ok_or(Malformed::Short)?;
    if header[0] >> 6 != 2 {
        return Err(Malformed::Version);
    }
    let mut start = HEADER_LEN + 4 * usize::from(header[0] & 0x0f);
    if header[0] & 0x10 != 0 {
        let extension: &[u8; 4] =
            datagram.get(start..).and_then(|rest| rest.first_chunk()).ok_or(Malformed::Short)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([extension[2], extension[3]]));
    }
    let mut end = datagram.len();
    if start > end {
        return Err(Malformed::Short);
    }
    if header[0] & 0x20 != 0 {
        let padding = usize::from(datagram[end - 1]);
        if padding == 0 || padding > end - start {
            return Err(Malformed::Padding);
        }
        end -= padding;
    }
    Ok(Packet {
        marker: header[1] & 0x80 != 0,
        payload_type: header[1] & 0x7f,
        sequence: u16::from_be_bytes([header[2], header[3]]),
        timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        payload: start..end,
    })
}

/// The header of a packet we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Header {
    /// The bytes on the wire.
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[0] = 0x80;
        out[1] = self.payload_type & 0x7f | if self.marker { 0x80 } else { 0 };
        out[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn csrc_extension_and_padding_are_not_payload() {
        let mut datagram = vec![0xb1, 0x80 | 8, 0, 7, 0, 0, 0, 160, 1, 2, 3, 4];
        datagram.extend([9, 9, 9, 9]); // one CSRC
        datagram.extend([0xbe, 0xde, 0, 1, 5, 5, 5, 5]); // one word of extension
        datagram.extend([1, 2, 3, 0, 0, 3]); // three bytes and three of padding
        let packet = parse(&datagram).unwrap();
        assert_eq!(&datagram[packet.payload.clone()], &[1, 2, 3]);
        assert!(packet.marker);
        assert_eq!((packet.payload_type, packet.sequence, packet.timestamp), (8, 7, 160));
        assert_eq!(packet.ssrc, 0x0102_0304);
    }

    #[test]
    fn what_is_not_rtp_is_refused() {
        assert_eq!(parse(&[0x80; 11]), Err(Malformed::Short));
        assert_eq!(parse(&[0x40; 12]), Err(Malformed::Version));
        assert_eq!(parse(&[0x8f; 12]), Err(Malformed::Short));
        assert_eq!(parse(&[0x90; 12]), Err(Malformed::Short));
        let mut padded = [0u8; 13];
        padded[0] = 0xa0;
        assert_eq!(parse(&padded), Err(Malformed::Padding));
        padded[12] = 2;
        assert_eq!(parse(&padded), Err(Malformed::Padding));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_inside_the_datagram(datagram in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(packet) = parse(&datagram) {
                prop_assert!(packet.payload.start <= packet.payload.end && packet.payload.end <= datagram.len());
            }
        }

        #[test]
        fn a_written_header_is_read_back(marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let packet = parse(&header.to_bytes()).unwrap();
            prop_assert_eq!(packet, Packet { marker, payload_type, sequence, timestamp, ssrc, payload: 12..12 });
        }
    }
}
