//! The payload types of a stream.

use super::commands::{Refusing, refuse};
use crate::orders::{Dtls, Format, Srtp};
use crate::wire::{DtlsEntry, ErrorCode, IceEntry, RemoteCommand, Setup, SrtpEntry};
use media_proto::codec::{Codec, Foreign};
use media_proto::dtls::{Fingerprint, Hash, Role};
use media_proto::ice::{Credentials, Generation};
use media_proto::opus;
use media_proto::srtp::Suite;

/// What was negotiated: voice in order of preference, what the receiver of our Opus asked for, and telephone-event by its
/// clock.
pub struct Formats {
    pub codecs: Vec<Format<Codec>>,
    pub foreign: Vec<Format<Foreign>>,
    pub opus: opus::Settings,
    pub dtmf: Vec<Format<u32>>,
    pub cn: Option<Format<()>>,
    pub srtp: Option<Srtp>,
    pub dtls: Option<Dtls>,
    pub ice: Option<Generation>,
}

/// Reads what a `remote` command says of them, or why that cannot be.
pub fn read(asked: &RemoteCommand) -> Result<Formats, Refusing> {
    let mut codecs = Vec::with_capacity(asked.codecs.len());
    for entry in &asked.codecs {
        let Some(what) = Codec::from_name(&entry.name) else {
            let known = Codec::ALL.map(Codec::name).join(", ");
            let detail = format!("codec '{}' is none of {known}; others are `foreign`", entry.name);
            return refuse(ErrorCode::BadValue, detail);
        };
        codecs.push(Format { pt: entry.pt, rx_pt: entry.rx_pt.unwrap_or(entry.pt), what });
    }
    let mut foreign = Vec::with_capacity(asked.foreign.len());
    for entry in &asked.foreign {
        let Some(what) = Foreign::new(&entry.name, entry.clock) else {
            let detail =
                format!("a foreign codec has a name of 1 to {} letters and a clock", Foreign::LONGEST);
            return refuse(ErrorCode::BadValue, detail);
        };
        foreign.push(Format { pt: entry.pt, rx_pt: entry.rx_pt.unwrap_or(entry.pt), what });
    }
    if codecs.is_empty() && foreign.is_empty() {
        return refuse(ErrorCode::BadValue, "`codecs` is empty");
    }
    let mut dtmf = Vec::with_capacity(asked.dtmf.len());
    for entry in &asked.dtmf {
        if !matches!(entry.clock, 8_000 | 16_000 | 48_000) {
            return refuse(ErrorCode::BadValue, format!("no codec has a clock of {}", entry.clock));
        }
        dtmf.push(Format { pt: entry.pt, rx_pt: entry.rx_pt.unwrap_or(entry.pt), what: entry.clock });
    }
    let pairs = codecs.iter().map(|format| (format.pt, format.rx_pt));
    let pairs = pairs.chain(foreign.iter().map(|format| (format.pt, format.rx_pt)));
    let pairs = pairs.chain(dtmf.iter().map(|format| (format.pt, format.rx_pt)));
    let cn = asked.cn.as_ref();
    let cn = cn.map(|entry| Format { pt: entry.pt, rx_pt: entry.rx_pt.unwrap_or(entry.pt), what: () });
    let pairs: Vec<(u8, u8)> = pairs.chain(cn.iter().map(|format| (format.pt, format.rx_pt))).collect();
    for (i, &(pt, rx_pt)) in pairs.iter().enumerate() {
        let twice = pairs[..i].iter().any(|&(before, rx_before)| pt == before || rx_pt == rx_before);
        if pt > 127 || rx_pt > 127 || twice {
            return refuse(ErrorCode::BadValue, format!("payload type {pt} is above 127 or given twice"));
        }
    }
    let srtp = asked.srtp.as_ref().map(protection).transpose()?;
    let dtls = asked.dtls.as_ref().map(handshake).transpose()?;
    let ice = asked.ice.as_ref().map(generation).transpose()?;
    if dtls.is_some() && (srtp.is_some() || !asked.rtcp_mux) {
        return refuse(ErrorCode::BadValue, "with `dtls` there is no `srtp`, and `rtcp_mux` is needed");
    }
    let fmtp = asked.codecs.iter().zip(&codecs).find(|(_, format)| format.what == Codec::Opus);
    let opus = fmtp.and_then(|(entry, _)| entry.fmtp.as_deref()).map(opus::Settings::from_fmtp);
    Ok(Formats { codecs, foreign, opus: opus.unwrap_or_default(), dtmf, cn, srtp, dtls, ice })
}

/// The keys of a protected stream. What is wrong with them is said without them.
fn protection(entry: &SrtpEntry) -> Result<Srtp, Refusing> {
    let Some(suite) = Suite::from_name(&entry.suite) else {
        let known = Suite::ALL.map(Suite::name).join(", ");
        return refuse(ErrorCode::BadValue, format!("suite '{}' is none of {known}", entry.suite));
    };
    let srtp = Srtp { suite, send: entry.send.clone(), receive: entry.recv.clone() };
    if srtp.contexts().is_none() {
        let needed = suite.master_len();
        return refuse(ErrorCode::BadValue, format!("a key of {} is {needed} bytes in base64", suite.name()));
    }
    Ok(srtp)
}

/// The handshake that is to bring the keys.
fn handshake(entry: &DtlsEntry) -> Result<Dtls, Refusing> {
    let role = if entry.setup == Setup::Active { Role::Client } else { Role::Server };
    // Several are there for those who know only some of the hash functions (RFC 8122 §5).
    let fingerprints: Vec<_> =
        entry.fingerprints.iter().filter_map(|text| Fingerprint::parse(text)).collect();
    if fingerprints.is_empty() {
        let known = Hash::ALL.map(Hash::name).join(", ");
        let detail = format!("none of `fingerprints` is of {known}, like `sha-256 4A:AD:…`");
        return refuse(ErrorCode::BadValue, detail);
    }
    Ok(Dtls { role, fingerprints })
}

/// Credentials of ICE (RFC 8839 §5.4). What is wrong with them is said without them.
fn generation(entry: &IceEntry) -> Result<Generation, Refusing> {
    let IceEntry { ufrag, pwd, remote_ufrag } = entry;
    let fits = |text: &str, least: usize| {
        (least..=256).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    };
    if !fits(ufrag, 4) || !fits(remote_ufrag, 4) || !fits(pwd.text(), 22) {
        let detail = "of `ice` the fragments are 4 to 256 letters and digits, and the password 22 to 256";
        return refuse(ErrorCode::BadValue, detail);
    }
    let local = Credentials { ufrag: ufrag.clone(), pwd: pwd.text().into() };
    Ok(Generation { local, remote_ufrag: remote_ufrag.clone() })
}
