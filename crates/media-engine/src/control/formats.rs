//! The payload types of a stream.

use super::commands::{Refusing, refuse};
use crate::orders::{Format, Srtp};
use crate::wire::{ErrorCode, RemoteCommand, SrtpEntry};
use media_proto::codec::Codec;
use media_proto::opus;
use media_proto::srtp::Suite;

/// What was negotiated: voice in order of preference, what the receiver of our Opus asked for, and telephone-event by its
/// clock.
pub struct Formats {
    pub codecs: Vec<Format<Codec>>,
    pub opus: opus::Settings,
    pub dtmf: Vec<Format<u32>>,
    pub cn: Option<Format<()>>,
    pub srtp: Option<Srtp>,
}

/// Reads what a `remote` command says of them, or why that cannot be.
pub fn read(asked: &RemoteCommand) -> Result<Formats, Refusing> {
    let mut codecs = Vec::with_capacity(asked.codecs.len());
    for entry in &asked.codecs {
        let Some(what) = Codec::from_name(&entry.name) else {
            let known = Codec::ALL.map(Codec::name).join(", ");
            return refuse(ErrorCode::BadValue, format!("codec '{}' is none of {known}", entry.name));
        };
        codecs.push(Format { pt: entry.pt, rx_pt: entry.rx_pt.unwrap_or(entry.pt), what });
    }
    if codecs.is_empty() {
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
    let fmtp = asked.codecs.iter().zip(&codecs).find(|(_, format)| format.what == Codec::Opus);
    let opus = fmtp.and_then(|(entry, _)| entry.fmtp.as_deref()).map(opus::Settings::from_fmtp);
    Ok(Formats { codecs, opus: opus.unwrap_or_default(), dtmf, cn, srtp })
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
