//! Who we are and who the peer says to be: certificates and their fingerprints (RFC 8122).

use crate::Micros;
use dimpl::DtlsCertificate;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::sync::Arc;
use std::time::Duration;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

/// Clocks of peers may differ from ours by this much.
const BEFORE: Micros = 86_400 * crate::SECOND;
/// How long a certificate holds: longer than any process lives.
const LIFE: Micros = 365 * BEFORE;
/// How soon an answer that did not come is asked for again, first; doubled every time.
const RETRY: Duration = Duration::from_millis(250);
/// A handshake that takes longer has failed.
pub const HANDSHAKE: Duration = Duration::from_secs(20);

/// Our certificate, signed by itself, and how we shake hands with it.
#[derive(Clone)]
pub struct Identity {
    pub(super) certificate: DtlsCertificate,
    pub(super) config: Arc<dimpl::Config>,
    fingerprint: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Identity {
    /// A new P-256 key and its certificate. `secret` and `serial` are random, `unix` is the wall clock. `None`: this secret is
    /// no key, which of random ones hardly any is; try another.
    pub fn new(secret: [u8; 32], serial: [u8; 16], unix: Micros) -> Option<Identity> {
        let key = p256::SecretKey::from_slice(&secret).ok()?;
        let private_key = key.to_pkcs8_der().ok()?.as_bytes().to_vec();
        let public_key = key.public_key().to_public_key_der().ok()?;
        let public_key = SubjectPublicKeyInfoOwned::from_der(public_key.as_bytes()).ok()?;
        let time =
            |at: Micros| Time::try_from(std::time::UNIX_EPOCH + Duration::from_secs(at / crate::SECOND)).ok();
        let validity = Validity::new(time(unix.saturating_sub(BEFORE))?, time(unix + LIFE)?);
        let serial = SerialNumber::new(&serial).ok()?;
        let builder = CertificateBuilder::new(Plain, serial, validity, public_key).ok()?;
        let certificate = builder.build::<_, DerSignature>(&SigningKey::from(key)).ok()?.to_der().ok()?;
        let config = dimpl::Config::builder()
            .with_crypto_provider(dimpl::crypto::rust_crypto::default_provider())
            .flight_start_rto(RETRY)
            .flight_retries(6)
            .handshake_timeout(HANDSHAKE)
            // Who speaks to us here has shown by ICE, or by signalling, that it is where it says to be.
            .use_server_cookie(false)
            .build()
            .ok()?;
        let fingerprint = Fingerprint::of(Hash::Sha256, &certificate).to_string();
        let certificate = DtlsCertificate { certificate, private_key };
        Some(Identity { certificate, config: Arc::new(config), fingerprint })
    }

    /// As SDP has it: `sha-256 4A:AD:…`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// A certificate that says nothing but its key: it is known by its fingerprint.
struct Plain;

impl BuilderProfile for Plain {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        "CN=tongdai".parse().unwrap_or_default()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}

/// Hash functions that a fingerprint may be made with. The weak ones (MD5, SHA-1) prove nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub const ALL: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

    /// Its name in SDP.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha-256",
            Hash::Sha384 => "sha-384",
            Hash::Sha512 => "sha-512",
        }
    }
}

/// What a certificate is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    value: Vec<u8>,
}

impl Fingerprint {
    fn of(hash: Hash, certificate: &[u8]) -> Fingerprint {
        let value = match hash {
            Hash::Sha256 => Sha256::digest(certificate).to_vec(),
            Hash::Sha384 => Sha384::digest(certificate).to_vec(),
            Hash::Sha512 => Sha512::digest(certificate).to_vec(),
        };
        Fingerprint { hash, value }
    }

    /// Reads `sha-256 4A:AD:…`; `None` when it is none of a hash function that we believe.
    pub fn parse(text: &str) -> Option<Fingerprint> {
        let (name, value) = text.trim().split_once(' ')?;
        let hash = Hash::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name))?;
        let octets = value.trim().split(':').map(|octet| match octet.as_bytes() {
            [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => u8::from_str_radix(octet, 16).ok(),
            _ => None,
        });
        let value = octets.collect::<Option<Vec<u8>>>()?;
        let length = Fingerprint::of(hash, b"").value.len();
        (value.len() == length).then_some(Fingerprint { hash, value })
    }

    /// Whether it is that of this certificate (DER).
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        *self == Fingerprint::of(self.hash, certificate)
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.hash.name())?;
        self.value
            .iter()
            .enumerate()
            .try_for_each(|(at, octet)| write!(f, "{}{octet:02X}", if at > 0 { ":" } else { "" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_written() {
        for hash in Hash::ALL {
            let fingerprint = Fingerprint::of(hash, b"a certificate");
            assert_eq!(Fingerprint::parse(&fingerprint.to_string()), Some(fingerprint.clone()));
            assert_eq!(
                Fingerprint::parse(&fingerprint.to_string().to_lowercase()),
                Some(fingerprint.clone())
            );
            assert!(fingerprint.is_of(b"a certificate") && !fingerprint.is_of(b"another"));
        }
        for wrong in ["", "sha-256", "sha-256 ", "sha-256 AA", "sha-1 AA:BB", "md5 00", "sha-256 +A:0x"] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_identity_is_another() {
        let one = Identity::new([1; 32], [1; 16], 1_795_000_000 * crate::SECOND).unwrap();
        let two = Identity::new([2; 32], [1; 16], 1_795_000_000 * crate::SECOND).unwrap();
        assert_ne!(one.fingerprint(), two.fingerprint());
        assert!(Fingerprint::parse(one.fingerprint()).unwrap().is_of(&one.certificate.certificate));
        assert!(Identity::new([0xff; 32], [1; 16], 0).is_none());
    }
}
