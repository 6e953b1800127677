//! STUN messages (RFC 8489) as ICE uses them: binding requests and their answers, with short-term credentials.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Length of the header.
pub const HEADER_LEN: usize = 20;
/// The longest message written here: a request with the longest user name (RFC 8445 §5.3), and what else it has.
pub const MAX_LEN: usize = 768;

const MAGIC: [u8; 4] = 0x2112_a442_u32.to_be_bytes();
const BINDING: u16 = 1;
const INTEGRITY_LEN: usize = 20;
/// What the checksum of a message is mixed with, so that it is no other protocol's (RFC 8489 §14.7).
const FINGERPRINT_MIX: u32 = 0x5354_554e;
/// So many unknown attributes are named in an answer.
const MAX_UNKNOWN: usize = 8;

mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN: u16 = 0x000a;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const CONTROLLED: u16 = 0x8029;
    pub const CONTROLLING: u16 = 0x802a;
    /// The first of those that may be ignored by who does not know them.
    pub const OPTIONAL: u16 = 0x8000;
}

/// What a message is (RFC 8489 §5); the number is that of its two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

impl Class {
    const ALL: [Class; 4] = [Class::Request, Class::Indication, Class::Success, Class::Error];
}

/// Ties an answer to its request.
pub type Transaction = [u8; 12];

/// A binding message as it came.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    pub class: Class,
    pub transaction: Transaction,
    pub username: Option<&'a [u8]>,
    pub priority: Option<u32>,
    pub use_candidate: bool,
    /// The tie-breaker of a peer that believes to be controlled.
    pub controlled: Option<u64>,
    /// That of one that believes to be controlling.
    pub controlling: Option<u64>,
    pub mapped: Option<SocketAddr>,
    pub error: Option<u16>,
    /// Where MESSAGE-INTEGRITY stands.
    integrity: Option<usize>,
    unknown: [u16; MAX_UNKNOWN],
    unknown_count: usize,
}

/// Why a datagram is no binding message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No STUN, another method than Binding, or a length that is not its own.
    Header,
    /// An attribute ends behind the message, or has not its length.
    Attribute,
    /// The checksum is wrong.
    Fingerprint,
}

/// Reads a datagram.
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Malformed::Header)?;
    let kind = u16::from_be_bytes([header[0], header[1]]);
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let class = Class::ALL[usize::from(kind >> 7 & 2 | kind >> 4 & 1)];
    if kind & !0x0110 != BINDING
        || header[4..8] != MAGIC
        || !length.is_multiple_of(4)
        || bytes.len() != HEADER_LEN + length
    {
        return Err(Malformed::Header);
    }
    let mut transaction = Transaction::default();
    transaction.copy_from_slice(&header[8..]);
    let mut message = Message {
        bytes,
        class,
        transaction,
        username: None,
        priority: None,
        use_candidate: false,
        controlled: None,
        controlling: None,
        mapped: None,
        error: None,
        integrity: None,
        unknown: [0; MAX_UNKNOWN],
        unknown_count: 0,
    };
    let mut at = HEADER_LEN;
    while at < bytes.len() {
        let head = bytes.get(at..at + 4).ok_or(Malformed::Attribute)?;
        let (name, length) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        let value = bytes.get(at + 4..at + 4 + usize::from(length)).ok_or(Malformed::Attribute)?;
        let next = at + 4 + usize::from(length).next_multiple_of(4);
        if name == attribute::FINGERPRINT {
            // It is the last, and vouches for all before it.
            let told = u32::from_be_bytes(value.try_into().map_err(|_| Malformed::Attribute)?);
            if next != bytes.len() || crc32fast::hash(&bytes[..at]) ^ FINGERPRINT_MIX != told {
                return Err(Malformed::Fingerprint);
            }
        } else if message.integrity.is_none() {
            // What stands behind MESSAGE-INTEGRITY anybody may have written there (RFC 8489 §14.5).
            message.take(name, value, at)?;
        }
        at = next;
    }
    Ok(message)
}

impl<'a> Message<'a> {
    fn take(&mut self, name: u16, value: &'a [u8], at: usize) -> Result<(), Malformed> {
        let word = || Ok(u32::from_be_bytes(value.try_into().map_err(|_| Malformed::Attribute)?));
        let long = || Ok(u64::from_be_bytes(value.try_into().map_err(|_| Malformed::Attribute)?));
        match name {
            attribute::USERNAME => self.username = Some(value),
            attribute::INTEGRITY if value.len() == INTEGRITY_LEN => self.integrity = Some(at),
            attribute::INTEGRITY => return Err(Malformed::Attribute),
            attribute::PRIORITY => self.priority = Some(word()?),
            attribute::USE_CANDIDATE => self.use_candidate = true,
            attribute::CONTROLLED => self.controlled = Some(long()?),
            attribute::CONTROLLING => self.controlling = Some(long()?),
            attribute::XOR_MAPPED_ADDRESS => self.mapped = Some(unmask(value, &self.transaction)?),
            attribute::ERROR_CODE => {
                let [_, _, hundreds, rest, ..] = *value else { return Err(Malformed::Attribute) };
                self.error = Some(u16::from(hundreds & 7) * 100 + u16::from(rest));
            }
            attribute::UNKNOWN => {}
            unknown if unknown < attribute::OPTIONAL => {
                if let Some(room) = self.unknown.get_mut(self.unknown_count) {
                    *room = unknown;
                    self.unknown_count += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Attributes that have to be understood, and are not.
    pub fn unknown(&self) -> &[u16] {
        &self.unknown[..self.unknown_count]
    }

    /// Whether there is a MESSAGE-INTEGRITY at all.
    pub fn is_signed(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether its MESSAGE-INTEGRITY was made with this password.
    pub fn is_authentic(&self, password: &[u8]) -> bool {
        let Some(at) = self.integrity else { return false };
        let mut mac = keyed(password);
        // The length that was written when the code was made: up to the end of it.
        let length = (at + 4 + INTEGRITY_LEN - HEADER_LEN) as u16;
        mac.update(&self.bytes[..2]);
        mac.update(&length.to_be_bytes());
        mac.update(&self.bytes[4..at]);
        mac.verify_slice(&self.bytes[at + 4..at + 4 + INTEGRITY_LEN]).is_ok()
    }
}

fn keyed(password: &[u8]) -> Hmac<Sha1> {
    Hmac::<Sha1>::new_from_slice(password).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

/// The address of XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
fn unmask(value: &[u8], transaction: &Transaction) -> Result<SocketAddr, Malformed> {
    let [_, family, port @ ..] = value else { return Err(Malformed::Attribute) };
    let (port, ip) = port.split_first_chunk::<2>().ok_or(Malformed::Attribute)?;
    let mask = mask(transaction);
    let port = u16::from_be_bytes(*port) ^ u16::from_be_bytes([mask[0], mask[1]]);
    let ip = match (family, ip.len()) {
        (1, 4) => {
            let mut octets = [0; 4];
            octets.copy_from_slice(ip);
            mix(&mut octets, &mask);
            IpAddr::from(Ipv4Addr::from(octets))
        }
        (2, 16) => {
            let mut octets = [0; 16];
            octets.copy_from_slice(ip);
            mix(&mut octets, &mask);
            IpAddr::from(Ipv6Addr::from(octets))
        }
        _ => return Err(Malformed::Attribute),
    };
    Ok(SocketAddr::new(ip, port))
}

fn mask(transaction: &Transaction) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC);
    mask[4..].copy_from_slice(transaction);
    mask
}

fn mix(octets: &mut [u8], mask: &[u8; 16]) {
    octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
}

/// Writes one binding message into a buffer, attribute by attribute.
pub struct Writer<'a> {
    out: &'a mut [u8; MAX_LEN],
    length: usize,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut [u8; MAX_LEN], class: Class, transaction: Transaction) -> Writer<'a> {
        let bits = class as u16;
        let kind = BINDING | (bits & 2) << 7 | (bits & 1) << 4;
        out[..2].copy_from_slice(&kind.to_be_bytes());
        out[4..8].copy_from_slice(&MAGIC);
        out[8..HEADER_LEN].copy_from_slice(&transaction);
        Writer { out, length: HEADER_LEN }
    }

    /// Adds an attribute; one that does not fit is left out.
    fn add(mut self, name: u16, value: &[u8]) -> Self {
        let end = self.length + 4 + value.len().next_multiple_of(4);
        let Some(room) = self.out.get_mut(self.length..end) else { return self };
        room.fill(0);
        room[..2].copy_from_slice(&name.to_be_bytes());
        room[2..4].copy_from_slice(&(value.len() as u16).to_be_bytes());
        room[4..4 + value.len()].copy_from_slice(value);
        self.length = end;
        self
    }

    pub fn username(self, username: &[u8]) -> Self {
        self.add(attribute::USERNAME, username)
    }

    pub fn priority(self, priority: u32) -> Self {
        self.add(attribute::PRIORITY, &priority.to_be_bytes())
    }

    pub fn use_candidate(self) -> Self {
        self.add(attribute::USE_CANDIDATE, &[])
    }

    pub fn controlling(self, tie_breaker: u64) -> Self {
        self.add(attribute::CONTROLLING, &tie_breaker.to_be_bytes())
    }

    pub fn controlled(self, tie_breaker: u64) -> Self {
        self.add(attribute::CONTROLLED, &tie_breaker.to_be_bytes())
    }

    pub fn mapped(self, address: SocketAddr) -> Self {
        let mut transaction = Transaction::default();
        transaction.copy_from_slice(&self.out[8..HEADER_LEN]);
        let mask = mask(&transaction);
        let mut value = [0; 20];
        let port = address.port() ^ u16::from_be_bytes([mask[0], mask[1]]);
        value[2..4].copy_from_slice(&port.to_be_bytes());
        let length = match address.ip() {
            IpAddr::V4(ip) => {
                value[1] = 1;
                value[4..8].copy_from_slice(&ip.octets());
                8
            }
            IpAddr::V6(ip) => {
                value[1] = 2;
                value[4..20].copy_from_slice(&ip.octets());
                20
            }
        };
        mix(&mut value[4..length], &mask);
        self.add(attribute::XOR_MAPPED_ADDRESS, &value[..length])
    }

    /// The number of an error and what it is called, at most 60 bytes.
    pub fn error(self, code: u16, reason: &str) -> Self {
        let mut value = [0; 64];
        (value[2], value[3]) = ((code / 100) as u8, (code % 100) as u8);
        let reason = &reason.as_bytes()[..reason.len().min(60)];
        value[4..4 + reason.len()].copy_from_slice(reason);
        self.add(attribute::ERROR_CODE, &value[..4 + reason.len()])
    }

    pub fn unknown(self, attributes: &[u16]) -> Self {
        let mut value = [0; 2 * MAX_UNKNOWN];
        let attributes = &attributes[..attributes.len().min(MAX_UNKNOWN)];
        for (room, name) in value.chunks_exact_mut(2).zip(attributes) {
            room.copy_from_slice(&name.to_be_bytes());
        }
        self.add(attribute::UNKNOWN, &value[..2 * attributes.len()])
    }

    /// Adds MESSAGE-INTEGRITY, made with this password.
    pub fn sign(mut self, password: &[u8]) -> Self {
        self.set_length(4 + INTEGRITY_LEN);
        let mut mac = keyed(password);
        mac.update(&self.out[..self.length]);
        let code = mac.finalize().into_bytes();
        self.add(attribute::INTEGRITY, &code)
    }

    /// Adds FINGERPRINT; returns the length of the message.
    pub fn finish(mut self) -> usize {
        self.set_length(8);
        let sum = crc32fast::hash(&self.out[..self.length]) ^ FINGERPRINT_MIX;
        self.add(attribute::FINGERPRINT, &sum.to_be_bytes()).length
    }

    /// Writes the length that the message will have with `more`.
    fn set_length(&mut self, more: usize) {
        let length = (self.length + more - HEADER_LEN) as u16;
        self.out[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sample request of RFC 5769 §2.1; its password is below.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\
        \x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\
        \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
        \x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn the_sample_request_of_rfc_5769_is_read_and_authentic() {
        let message = parse(SAMPLE).unwrap();
        assert_eq!(message.class, Class::Request);
        assert_eq!(message.username, Some(&b"evtj:h6vY"[..]));
        assert_eq!((message.priority, message.controlled), (Some(0x6e00_01ff), Some(0x932f_f9b1_5126_3b36)));
        assert!(message.is_signed() && message.is_authentic(PASSWORD));
        assert!(!message.is_authentic(b"another"));
        assert!(message.unknown().is_empty());
    }

    #[test]
    fn the_sample_answer_of_rfc_5769_is_read_and_authentic() {
        let sample = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
            \x80\x22\x00\x0btest vector \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\
            \x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\
            \x80\x28\x00\x04\xc0\x7d\x4c\x96";
        let message = parse(sample).unwrap();
        assert_eq!(
            (message.class, message.mapped),
            (Class::Success, Some("192.0.2.1:32853".parse().unwrap()))
        );
        assert!(message.is_authentic(PASSWORD));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for address in ["192.0.2.9:1234", "[2001:db8::7]:65535"] {
            let address = address.parse().unwrap();
            let mut out = [0; MAX_LEN];
            let length = Writer::new(&mut out, Class::Success, [7; 12]).mapped(address).sign(b"pw").finish();
            let message = parse(&out[..length]).unwrap();
            assert_eq!(
                (message.class, message.transaction, message.mapped),
                (Class::Success, [7; 12], Some(address))
            );
            assert!(message.is_authentic(b"pw") && !message.is_authentic(b"other"));
        }
        let mut out = [0; MAX_LEN];
        let writer = Writer::new(&mut out, Class::Request, [1; 12]).username(b"a:b").priority(5);
        let length = writer.controlling(9).use_candidate().sign(b"pw").finish();
        let message = parse(&out[..length]).unwrap();
        assert_eq!((message.username, message.priority), (Some(&b"a:b"[..]), Some(5)));
        assert_eq!((message.controlling, message.use_candidate), (Some(9), true));
        let writer =
            Writer::new(&mut out, Class::Error, [1; 12]).error(420, "Unknown Attribute").unknown(&[1, 2]);
        let length = writer.finish();
        assert_eq!(parse(&out[..length]).unwrap().error, Some(420));
    }

    #[test]
    fn a_changed_bit_is_found() {
        for at in HEADER_LEN..SAMPLE.len() - 8 {
            let mut changed = SAMPLE.to_vec();
            changed[at] ^= 1;
            assert!(!parse(&changed).is_ok_and(|message| message.is_authentic(PASSWORD)), "{at}");
        }
    }

    #[test]
    fn what_stands_behind_the_integrity_is_not_believed() {
        let mut out = [0; MAX_LEN];
        let length = Writer::new(&mut out, Class::Request, [1; 12]).sign(b"pw").use_candidate().finish();
        let message = parse(&out[..length]).unwrap();
        assert!(message.is_authentic(b"pw") && !message.use_candidate);
    }

    #[test]
    fn what_is_no_binding_message_is_refused() {
        assert_eq!(parse(&SAMPLE[..19]).unwrap_err(), Malformed::Header);
        assert_eq!(parse(&SAMPLE[..SAMPLE.len() - 4]).unwrap_err(), Malformed::Header);
        let mut other = SAMPLE.to_vec();
        other[1] = 3; // Allocate
        assert_eq!(parse(&other).unwrap_err(), Malformed::Header);
        let mut out = [0; MAX_LEN];
        let length = Writer::new(&mut out, Class::Request, [1; 12]).add(attribute::PRIORITY, &[1]).finish();
        assert_eq!(parse(&out[..length]).unwrap_err(), Malformed::Attribute);
        let length = Writer::new(&mut out, Class::Request, [1; 12]).add(0x7777, &[1]).finish();
        assert_eq!(parse(&out[..length]).unwrap().unknown(), [0x7777]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), valid: bool) {
            let mut bytes = bytes;
            if valid && bytes.len() >= HEADER_LEN {
                bytes.truncate(bytes.len() / 4 * 4);
                let length = (bytes.len() - HEADER_LEN) as u16;
                bytes[..2].copy_from_slice(&[0, 1]);
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&MAGIC);
            }
            if let Ok(message) = parse(&bytes) {
                let _ = message.is_authentic(b"pw");
            }
        }
    }
}
