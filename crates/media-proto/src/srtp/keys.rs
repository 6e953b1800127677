//! Suites of SRTP and the keys that come of a master key (RFC 3711 §4.3, RFC 6188, RFC 7714).

use aes::cipher::{BlockCipher, BlockEncrypt, InnerIvInit, KeyInit, StreamCipher};
use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

/// How a stream is encrypted and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    AesCm128Sha80,
    AesCm128Sha32,
    AesCm256Sha80,
    AesCm256Sha32,
    AesGcm128,
    AesGcm256,
}

impl Suite {
    pub const ALL: [Suite; 6] = [
        Suite::AesCm128Sha80,
        Suite::AesCm128Sha32,
        Suite::AesCm256Sha80,
        Suite::AesCm256Sha32,
        Suite::AesGcm128,
        Suite::AesGcm256,
    ];

    /// The suite by its name in SDP (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2).
    pub fn from_name(name: &str) -> Option<Suite> {
        Suite::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Its name in SDP.
    pub fn name(self) -> &'static str {
        match self {
            Suite::AesCm128Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AesCm256Sha80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AesCm256Sha32 => "AES_256_CM_HMAC_SHA1_32",
            Suite::AesGcm128 => "AEAD_AES_128_GCM",
            Suite::AesGcm256 => "AEAD_AES_256_GCM",
        }
    }

    pub(crate) fn key_len(self) -> usize {
        match self {
            Suite::AesCm128Sha80 | Suite::AesCm128Sha32 | Suite::AesGcm128 => 16,
            _ => 32,
        }
    }

    fn salt_len(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Bytes of master key and salt together.
    pub fn master_len(self) -> usize {
        self.key_len() + self.salt_len()
    }

    pub(super) fn is_aead(self) -> bool {
        matches!(self, Suite::AesGcm128 | Suite::AesGcm256)
    }

    /// Bytes of the tag behind an RTP packet.
    pub(super) fn rtp_tag(self) -> usize {
        match self {
            Suite::AesCm128Sha80 | Suite::AesCm256Sha80 => 10,
            Suite::AesCm128Sha32 | Suite::AesCm256Sha32 => 4,
            _ => 16,
        }
    }

    /// Bytes of the tag of an RTCP packet, which the short tags do not shorten (RFC 4568 §6.2.2).
    pub(super) fn rtcp_tag(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }
}

/// AES with either length of key.
enum Aes {
    Short(Box<Aes128Enc>),
    Long(Box<Aes256Enc>),
}

impl Aes {
    fn new(key: &[u8]) -> Aes {
        if key.len() == 16 {
            Aes::Short(Box::new(Aes128Enc::new(key.into())))
        } else {
            Aes::Long(Box::new(Aes256Enc::new(key.into())))
        }
    }

    /// Adds the key stream of counter mode to `data`.
    fn counter(&self, iv: [u8; 16], data: &mut [u8]) {
        fn run<C>(cipher: &C, iv: [u8; 16], data: &mut [u8])
        where
            C: BlockEncrypt + BlockCipher<BlockSize = aes::cipher::consts::U16>,
        {
            let core: CtrCore<&C, ctr::flavors::Ctr128BE> = CtrCore::inner_iv_init(cipher, &iv.into());
            Ctr128BE::<&C>::from_core(core).apply_keystream(data);
        }
        match self {
            Aes::Short(cipher) => run(&**cipher, iv, data),
            Aes::Long(cipher) => run(&**cipher, iv, data),
        }
    }
}

/// What encrypts and authenticates one kind of packets (RTP or RTCP) in one direction.
pub(super) struct Keys {
    cipher: Cipher,
    salt: [u8; 14],
}

enum Cipher {
    Counter { aes: Aes, mac: Box<Hmac<Sha1>>, tag: usize },
    Gcm128(Box<Aes128Gcm>),
    Gcm256(Box<Aes256Gcm>),
}

/// Which packets: their labels are the base of those for key, authentication and salt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rtp = 0,
    Rtcp = 3,
}

/// A tag that is wrong.
pub(super) struct BadTag;

impl Keys {
    /// The session keys of a master key and salt, which have the length that the suite needs.
    pub fn derive(suite: Suite, kind: Kind, master: &[u8]) -> Keys {
        let (key, salt) = master.split_at(suite.key_len());
        let aes = Aes::new(key);
        let derive = |label: u8, out: &mut [u8]| {
            let mut iv = [0; 16];
            iv[..salt.len()].copy_from_slice(salt);
            iv[7] ^= label;
            out.fill(0);
            aes.counter(iv, out);
        };
        let base = kind as u8;
        let mut session = Zeroizing::new([0u8; 32]);
        let session = &mut session[..suite.key_len()];
        derive(base, session);
        let mut own_salt = [0; 14];
        derive(base + 2, &mut own_salt[..suite.salt_len()]);
        let cipher = match suite {
            Suite::AesGcm128 => Cipher::Gcm128(Box::new(Aes128Gcm::new((&*session).into()))),
            Suite::AesGcm256 => Cipher::Gcm256(Box::new(Aes256Gcm::new((&*session).into()))),
            _ => {
                let mut auth = Zeroizing::new([0u8; 20]);
                derive(base + 1, &mut auth[..]);
                let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&auth[..]).expect("any length is right");
                let tag = if kind == Kind::Rtp { suite.rtp_tag() } else { suite.rtcp_tag() };
                Cipher::Counter { aes: Aes::new(session), mac: Box::new(mac), tag }
            }
        };
        Keys { cipher, salt: own_salt }
    }

    /// The nonce of counter mode: the salt, the source and the packet's index (48 bits) added (RFC 3711 §4.1.1).
    fn counter_iv(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (byte, add) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= add;
        }
        for (byte, add) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= add;
        }
        iv
    }

    /// The nonce of GCM (RFC 7714 §8.1, §9.1).
    fn gcm_iv(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let mut iv = [0; 12];
        iv.copy_from_slice(&self.salt[..12]);
        for (byte, add) in iv[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= add;
        }
        for (byte, add) in iv[6..12].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= add;
        }
        iv
    }

    /// Encrypts `packet[start..end]` and writes the tag behind `end`; `trailer` is authenticated behind the packet. Returns the
    /// length of the tag.
    pub fn seal(
        &self,
        packet: &mut [u8],
        (start, end): (usize, usize),
        (ssrc, index): (u32, u64),
        trailer: &[u8],
    ) -> usize {
        match &self.cipher {
            Cipher::Counter { aes, mac, tag } => {
                aes.counter(self.counter_iv(ssrc, index), &mut packet[start..end]);
                let made = Hmac::clone(mac)
                    .chain_update(&packet[..end])
                    .chain_update(trailer)
                    .finalize()
                    .into_bytes();
                packet[end..end + tag].copy_from_slice(&made[..*tag]);
                *tag
            }
            Cipher::Gcm128(gcm) => self.seal_gcm(&**gcm, packet, (start, end), (ssrc, index), trailer),
            Cipher::Gcm256(gcm) => self.seal_gcm(&**gcm, packet, (start, end), (ssrc, index), trailer),
        }
    }

    fn seal_gcm<A: AeadInPlace>(
        &self,
        gcm: &A,
        packet: &mut [u8],
        (start, end): (usize, usize),
        (ssrc, index): (u32, u64),
        trailer: &[u8],
    ) -> usize
    where
        aes_gcm::aead::Nonce<A>: From<[u8; 12]>,
    {
        let (known, rest) = packet.split_at_mut(start);
        let mut room = [0; 96];
        let known = associated(known, trailer, &mut room);
        let nonce = self.gcm_iv(ssrc, index).into();
        let tag =
            gcm.encrypt_in_place_detached(&nonce, known, &mut rest[..end - start]).expect("it is short");
        rest[end - start..][..tag.len()].copy_from_slice(&tag);
        tag.len()
    }

    /// Checks the tag behind `packet[..end]` and decrypts `packet[start..end]`.
    pub fn open(
        &self,
        packet: &mut [u8],
        (start, end): (usize, usize),
        (ssrc, index): (u32, u64),
        trailer: &[u8],
    ) -> Result<(), BadTag> {
        match &self.cipher {
            Cipher::Counter { aes, mac, tag } => {
                let made = Hmac::clone(mac).chain_update(&packet[..end]).chain_update(trailer);
                let theirs = packet.get(end..end + tag).ok_or(BadTag)?;
                made.verify_truncated_left(theirs).map_err(|_| BadTag)?;
                aes.counter(self.counter_iv(ssrc, index), &mut packet[start..end]);
                Ok(())
            }
            Cipher::Gcm128(gcm) => self.open_gcm(&**gcm, packet, (start, end), (ssrc, index), trailer),
            Cipher::Gcm256(gcm) => self.open_gcm(&**gcm, packet, (start, end), (ssrc, index), trailer),
        }
    }

    fn open_gcm<A: AeadInPlace>(
        &self,
        gcm: &A,
        packet: &mut [u8],
        (start, end): (usize, usize),
        (ssrc, index): (u32, u64),
        trailer: &[u8],
    ) -> Result<(), BadTag>
    where
        aes_gcm::aead::Nonce<A>: From<[u8; 12]>,
        aes_gcm::aead::Tag<A>: Clone,
    {
        let (known, rest) = packet.split_at_mut(start);
        let mut room = [0; 96];
        let known = associated(known, trailer, &mut room);
        let (text, tag) = rest.split_at_mut(end - start);
        let tag = aes_gcm::aead::Tag::<A>::from_slice(tag.get(..16).ok_or(BadTag)?).clone();
        let nonce = self.gcm_iv(ssrc, index).into();
        gcm.decrypt_in_place_detached(&nonce, known, text, &tag).map_err(|_| BadTag)
    }
}

/// Header and trailer as one piece. (Only RTCP has both, and its header is short.)
fn associated<'a>(header: &'a [u8], trailer: &[u8], room: &'a mut [u8; 96]) -> &'a [u8] {
    if trailer.is_empty() {
        return header;
    }
    let length = header.len() + trailer.len();
    room[..header.len()].copy_from_slice(header);
    room[header.len()..length].copy_from_slice(trailer);
    &room[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// The key stream that the keys of a context make, and its salt.
    fn derived(suite: Suite, master: &str, label: u8, length: usize) -> Vec<u8> {
        let master = bytes(master);
        let (key, salt) = master.split_at(suite.key_len());
        let (mut iv, mut out) = ([0; 16], vec![0; length]);
        iv[..salt.len()].copy_from_slice(salt);
        iv[7] ^= label;
        Aes::new(key).counter(iv, &mut out);
        out
    }

    #[test]
    fn keys_are_derived_as_in_rfc_3711_appendix_b_3() {
        let master = "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6";
        let suite = Suite::AesCm128Sha80;
        assert_eq!(derived(suite, master, 0, 16), bytes("c61e7a93744f39ee10734afe3ff7a087"));
        assert_eq!(derived(suite, master, 2, 14), bytes("30cbbc08863d8c85d49db34a9ae1"));
        let auth = derived(suite, master, 1, 20);
        assert_eq!(auth, bytes("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
        assert_eq!(
            Keys::derive(suite, Kind::Rtp, &bytes(master)).salt[..],
            bytes("30cbbc08863d8c85d49db34a9ae1")
        );
    }

    #[test]
    fn long_keys_are_derived_as_in_rfc_6188_section_7() {
        let master =
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2";
        let suite = Suite::AesCm256Sha80;
        let key = "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4";
        assert_eq!(derived(suite, master, 0, 32), bytes(key));
        assert_eq!(derived(suite, master, 2, 14), bytes("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(derived(suite, master, 1, 20), bytes("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_3711_appendix_b_2() {
        let aes = Aes::new(&bytes("2b7e151628aed2a6abf7158809cf4f3c"));
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfd"));
        let mut out = [0; 48];
        aes.counter(iv, &mut out);
        let stream = "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0";
        assert_eq!(out[..], bytes(stream));
    }

    #[test]
    fn gcm_is_that_of_rfc_7714_section_16() {
        let mut salt = [0; 14];
        salt[..12].copy_from_slice(&bytes("517569642070726f2071756f"));
        let header = "8040f17b8041f8d35501a0b2";
        let text = "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
        for (key, sealed) in [
            (
                "000102030405060708090a0b0c0d0e0f",
                "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
            ),
            (
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            ),
        ] {
            let key = bytes(key);
            let cipher = if key.len() == 16 {
                Cipher::Gcm128(Box::new(Aes128Gcm::new(key[..].into())))
            } else {
                Cipher::Gcm256(Box::new(Aes256Gcm::new(key[..].into())))
            };
            let keys = Keys { cipher, salt };
            let mut packet = bytes(header);
            packet.extend(bytes(text));
            let end = packet.len();
            packet.resize(end + 16, 0);
            assert_eq!(keys.seal(&mut packet, (12, end), (0x5501_a0b2, 0xf17b), &[]), 16);
            assert_eq!(packet[12..], bytes(sealed));
            assert!(keys.open(&mut packet, (12, end), (0x5501_a0b2, 0xf17b), &[]).is_ok());
            assert_eq!(packet[12..end], bytes(text));
        }
    }
}
