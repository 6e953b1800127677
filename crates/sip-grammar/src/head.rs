//! The head of a message: start line and header fields (RFC 3261 §7).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use memchr::{memchr, memchr_iter, memmem};

use crate::text::{Flaw, is_space, is_token, shown};
use crate::values::{Address, Via, address, cseq, list, via};

/// The names of fields that are known, in the one way that they are written in.
pub struct Names {
    pub known: Vec<Known>,
    spellings: HashMap<Box<[u8]>, usize, BuildHasherDefault<Fnv>>,
    via: usize,
    from: usize,
    to: usize,
    call_id: usize,
    cseq: usize,
    length: usize,
}

/// FNV-1a: the names are ours, so nobody can choose what is slow to find, and they are short.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A field that is known.
pub struct Known {
    pub name: String,
    /// A second one is an error.
    once: bool,
    /// There may be space before its colon.
    loose: bool,
}

impl Names {
    /// None when a name that every message needs is missing.
    pub fn new(
        names: Vec<String>,
        compact: &HashMap<String, String>,
        once: &HashSet<String>,
        loose: &HashSet<String>,
    ) -> Option<Self> {
        let mut spellings = HashMap::default();
        let mut known = Vec::new();
        for name in names {
            let at = known.len();
            let short = compact.iter().filter(|(_, long)| **long == name).map(|(short, _)| short);
            for spelling in short.chain([&name]) {
                for cased in [spelling.clone(), spelling.to_lowercase(), spelling.to_uppercase()] {
                    spellings.insert(cased.into_bytes().into(), at);
                }
            }
            known.push(Known { once: once.contains(&name), loose: loose.contains(&name), name });
        }
        let find = |name: &str| spellings.get(name.as_bytes()).copied();
        Some(Self {
            via: find("Via")?,
            from: find("From")?,
            to: find("To")?,
            call_id: find("Call-ID")?,
            cseq: find("CSeq")?,
            length: find("Content-Length")?,
            spellings,
            known,
        })
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.spellings.get(name.as_bytes()).copied()
    }

    /// A name in the one way that it is written in: `v` and `VIA` are `Via`, `x-foo` is `X-Foo`.
    pub fn spelt(&self, name: &str) -> Name {
        if let Some(known) = self.find(name) {
            return Name::Known(known);
        }
        let lower = name.to_lowercase();
        self.find(&lower).map_or_else(|| Name::Other(capitalized(&lower)), Name::Known)
    }

    /// A name that is not spelt as most do, and is not known perhaps.
    fn unusual(&self, name: &str) -> Result<Name, Flaw> {
        let stripped = name.trim_end_matches(SPACE);
        if !is_token(stripped) {
            return Err(Flaw::new("bad header name"));
        }
        let found = self.spelt(stripped);
        let loose = matches!(found, Name::Known(known) if self.known[known].loose);
        if stripped.len() != name.len() && !loose {
            return Err(Flaw::new("space before the colon of a header"));
        }
        Ok(found)
    }
}

fn capitalized(lower: &str) -> String {
    let mut begins = true;
    lower
        .chars()
        .map(|c| {
            let written = if begins { c.to_ascii_uppercase() } else { c };
            begins = c == '-';
            written
        })
        .collect()
}

const SPACE: [char; 2] = [' ', '\t'];

pub enum Name {
    Known(usize),
    Other(String),
}

pub enum Start<'t> {
    Request { method: &'t str, target: &'t str },
    Response { status: u16, reason: &'t str },
}

/// What was read, as far as it could be.
pub struct Head<'t> {
    pub start: Start<'t>,
    pub fields: Vec<(Name, Cow<'t, str>)>,
    /// The first thing that is wrong and of which a request can be told.
    pub error: Option<String>,
}

/// The fields that every message needs. Of a response, whose transaction is found without From, only what an ACK
/// copies is read.
pub struct Required<'h> {
    pub call_id: &'h str,
    pub via: Via<'h>,
    pub cseq: (u32, &'h str),
    pub ends: Option<(Address<'h>, Address<'h>)>,
}

/// Read a head without its empty line, with at most so many lines of fields. Fails when it cannot be told what
/// kind of message this is.
pub fn read<'t>(names: &Names, text: &'t str, most: usize) -> Result<Head<'t>, Flaw> {
    let lines = lines(text).ok_or_else(|| Flaw::new("stray line end in the header"))?;
    if memchr(0, text.as_bytes()).is_some() && text.replace("\\\0", "").contains('\0') {
        return Err(Flaw::new("NUL in the header")); // legal as a quoted-pair only
    }
    if lines.len() > most {
        return Err(Flaw::new("too many header fields"));
    }
    let (first, rest) = lines.split_first().ok_or_else(|| Flaw::new("no start line"))?;
    let (fields, field_error) = read_fields(names, rest);
    let (start, start_error) = start_line(first)?;
    Ok(Head { start, fields, error: start_error.or(field_error) })
}

/// A head and what follows its empty line; None when there is no such line. Empty lines may come before it (§7.5).
pub fn split(data: &[u8]) -> (&[u8], Option<&[u8]>) {
    let ends = if data.starts_with(b"\r\n") {
        data.iter().take_while(|byte| b"\r\n".contains(byte)).count()
    } else {
        0
    };
    let data = &data[ends..];
    match memmem::find(data, b"\r\n\r\n") {
        Some(at) => (&data[..at], Some(&data[at + 4..])),
        None => (data, None),
    }
}

/// The lines of a head. None for a bare CR or LF, which ends a line for some and not for others.
fn lines(text: &str) -> Option<Vec<&str>> {
    let bytes = text.as_bytes();
    let mut lines = Vec::with_capacity(32);
    let mut start = 0;
    for at in memchr_iter(b'\r', bytes) {
        if bytes.get(at + 1) != Some(&b'\n') {
            return None;
        }
        lines.push(&text[start..at]);
        start = at + 2;
    }
    lines.push(&text[start..]);
    (memchr_iter(b'\n', bytes).count() + 1 == lines.len()).then_some(lines)
}

type Fields<'t> = Vec<(Name, Cow<'t, str>)>;

/// Read header lines, folded ones too (§7.3.1). Returns the fields and the first error, so that a bad request can
/// be answered.
fn read_fields<'t>(names: &Names, lines: &[&'t str]) -> (Fields<'t>, Option<String>) {
    enum Last {
        Nothing,
        Refused,
        Field,
    }
    let mut fields = Fields::with_capacity(lines.len());
    let mut error = None;
    let mut seen: u128 = 0;
    let mut last = Last::Nothing;
    for &line in lines {
        if line.starts_with(SPACE) && !matches!(last, Last::Nothing) {
            if let (Last::Field, Some((_, value))) = (&last, fields.last_mut()) {
                *value = Cow::Owned(
                    format!("{value} {}", line.trim_matches(SPACE)).trim_matches(SPACE).to_owned(),
                );
            }
            continue;
        }
        let found = match line.split_once(':') {
            None => Err(Flaw::new("header line without a colon")),
            Some((name, value)) => match names.find(name) {
                Some(known) => Ok((Name::Known(known), value)),
                None => names.unusual(name).map(|name| (name, value)),
            },
        };
        last = match found {
            Err(flaw) => {
                error.get_or_insert(flaw.reason);
                Last::Refused
            }
            Ok((Name::Known(known), _)) if names.known[known].once && seen & (1 << known) != 0 => {
                error.get_or_insert_with(|| format!("{} more than once", names.known[known].name));
                Last::Refused
            }
            Ok((name, value)) => {
                if let Name::Known(known) = name {
                    seen |= 1 << known;
                }
                fields.push((name, Cow::Borrowed(value.trim_matches(SPACE))));
                Last::Field
            }
        };
    }
    (fields, error)
}

fn start_line(line: &str) -> Result<(Start<'_>, Option<String>), Flaw> {
    let bad = || Flaw::about("bad start line", line, 60);
    let mut parts = line.splitn(3, ' ');
    let (Some(first), Some(second)) = (parts.next(), parts.next()) else {
        return Err(bad());
    };
    let is_response = first.eq_ignore_ascii_case("SIP/2.0");
    let Some(third) = parts.next() else {
        return match status(second).filter(|_| is_response) {
            Some(status) => Ok((Start::Response { status, reason: "" }, None)),
            None => Err(bad()),
        };
    };
    if is_response {
        let status = status(second).ok_or_else(|| Flaw::new(format!("bad status {}", shown(second, 10))))?;
        return Ok((Start::Response { status, reason: third }, None));
    }
    if !is_token(first) {
        return Err(bad());
    }
    let request = Start::Request { method: first, target: second };
    if third == "SIP/2.0" && !second.is_empty() {
        return Ok((request, None));
    }
    let error = match version(third).filter(|_| !second.is_empty()) {
        Some(("2", "0")) => None,
        Some(_) => Some(BAD_VERSION),
        // Without a SIP version at its end this may be anything; with one it is a request with bad spacing.
        None if !third.trim_end_matches(is_space).to_ascii_uppercase().ends_with("SIP/2.0") => {
            return Err(bad());
        }
        None => Some("bad request line"),
    };
    Ok((request, error.map(str::to_owned)))
}

pub const BAD_VERSION: &str = "unsupported SIP version";

fn version(text: &str) -> Option<(&str, &str)> {
    let (protocol, numbers) = text.split_once('/')?;
    let (major, minor) = numbers.split_once('.')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (protocol.eq_ignore_ascii_case("SIP") && digits(major) && digits(minor)).then_some((major, minor))
}

fn status(text: &str) -> Option<u16> {
    let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|status| plain && (100..700).contains(status))
}

impl<'t> Head<'t> {
    /// Read the fields that every message needs, and what they must agree on.
    pub fn required(&self, names: &Names) -> Result<Required<'_>, Flaw> {
        let call_id = self.need(names, names.call_id)?;
        let text = self.need(names, names.via)?;
        let via = via(if text.contains(',') { list(text)?[0] } else { text })?;
        let cseq = cseq(self.need(names, names.cseq)?)?;
        let request = match self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { status, .. } => {
                if status < 200 || cseq.1 != "INVITE" {
                    self.need(names, names.from)
                        .and(self.need(names, names.to))
                        .map_err(|_| Flaw::new("no From or To"))?;
                    return Ok(Required { call_id, via, cseq, ends: None });
                }
                None
            }
        };
        let from = address(self.need(names, names.from)?)?;
        if has_empty_tag(&from) {
            return Err(Flaw::new("empty tag"));
        }
        let to = address(self.need(names, names.to)?)?;
        if has_empty_tag(&to) {
            return Err(Flaw::new("empty tag"));
        }
        if request.is_some_and(|method| method != cseq.1) {
            return Err(Flaw::new("CSeq names another method"));
        }
        if request.is_some() && cseq.0 >= 1 << 31 {
            return Err(Flaw::new("CSeq too large"));
        }
        Ok(Required { call_id, via, cseq, ends: Some((from, to)) })
    }

    /// As much of what follows as Content-Length says (§18.3): more does not belong to the message, less is an error.
    pub fn body<'b>(&self, names: &Names, after: &'b [u8]) -> Result<&'b [u8], Flaw> {
        let Some(length) = self.first(names.length) else {
            return Ok(after);
        };
        let size: usize = Some(length)
            .filter(|digits| digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| Flaw::new("bad Content-Length"))?;
        after
            .get(..size)
            .ok_or_else(|| Flaw::new(format!("Content-Length {size} but {} bytes of body", after.len())))
    }

    fn first(&self, wanted: usize) -> Option<&str> {
        let found =
            self.fields.iter().find(|(name, _)| matches!(name, Name::Known(known) if *known == wanted));
        found.map(|(_, value)| &**value)
    }

    fn need(&self, names: &Names, wanted: usize) -> Result<&str, Flaw> {
        self.first(wanted)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Flaw::new(format!("no {}", names.known[wanted].name)))
    }
}

fn has_empty_tag(address: &Address<'_>) -> bool {
    address
        .params
        .iter()
        .any(|(name, value)| name == "tag" && value.as_deref().unwrap_or_default().is_empty())
}
