//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966).

use std::borrow::Cow;
use std::fmt::Write;

use crate::text::{Cursor, Flaw, decode, is_space, is_token, lower, shown};
use crate::values::{Pairs, Params, digits, host, port, take_host, take_scheme, unique};

/// A URI with its escapes taken out. For tel, `user` is the number as written and `host` is empty.
pub struct Uri<'t> {
    pub host: Cow<'t, str>,
    pub user: Option<Cow<'t, str>>,
    pub port: Option<u16>,
    pub scheme: Cow<'t, str>,
    pub password: Option<Cow<'t, str>>,
    pub params: Params<'t>,
    pub headers: Vec<(Cow<'t, str>, Cow<'t, str>)>,
}

/// Read a URI; status 416 for a scheme that is not ours (RFC 3261 §8.2.2.1).
pub fn uri(text: &str) -> Result<Uri<'_>, Flaw> {
    let mut cursor = Cursor::new(text);
    let bad = || Flaw::about("bad URI", text, 60);
    let scheme = lower(take_scheme(&mut cursor).ok_or_else(bad)?);
    match &*scheme {
        "sip" | "sips" => {
            let parts = sip_parts(cursor.rest).ok_or_else(bad)?;
            Ok(Uri {
                host: host(parts.host)?,
                user: parts.user.map(unescape).transpose()?,
                port: parts.port.map(port).transpose()?,
                scheme,
                password: parts.password.map(unescape).transpose()?,
                params: uri_params(parts.params)?,
                headers: uri_headers(parts.headers)?,
            })
        }
        "tel" => {
            let (number, params) = tel_parts(cursor.rest).ok_or_else(bad)?;
            Ok(Uri {
                host: Cow::Borrowed(""),
                user: Some(Cow::Borrowed(number)),
                port: None,
                scheme,
                password: None,
                params: uri_params(params)?,
                headers: Vec::new(),
            })
        }
        other => Err(Flaw {
            reason: format!("unsupported URI scheme {}", shown(&text[..other.len()], 20)),
            status: 416,
        }),
    }
}

#[derive(Default)]
struct Parts<'t> {
    user: Option<&'t str>,
    password: Option<&'t str>,
    host: &'t str,
    port: Option<&'t str>,
    params: &'t str,
    headers: Option<&'t str>,
}

/// With a user where there is an "@" that can end one: it may also stand in a parameter.
fn sip_parts(text: &str) -> Option<Parts<'_>> {
    if let Some((userinfo, rest)) = text.split_once('@') {
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        let plain = !user.is_empty() && userinfo.bytes().all(is_user_byte);
        if let Some(parts) = after_user(rest).filter(|_| plain) {
            return Some(Parts { user: Some(user), password, ..parts });
        }
    }
    after_user(text)
}

/// Phones send '#', '^', '{' and alike unescaped in the user part; only what would change the structure is refused.
fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'@' | b'<' | b'>' | b'"')
}

fn after_user(text: &str) -> Option<Parts<'_>> {
    let mut cursor = Cursor::new(text);
    let host = take_host(&mut cursor)?;
    let port = if cursor.take(b':') { Some(digits(&mut cursor)?) } else { None };
    let params = take_params(&mut cursor, |c| c == '?')?;
    let headers = if cursor.take(b'?') { Some(cursor.until(is_unescaped)) } else { None };
    cursor.rest.is_empty().then_some(Parts { host, port, params, headers, ..Parts::default() })
}

fn tel_parts(text: &str) -> Option<(&str, &str)> {
    let mut cursor = Cursor::new(text);
    cursor.take(b'+');
    let number = cursor
        .bytes(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#' | b'(' | b')' | b'.' | b'-'));
    let whole = &text[..text.len() - cursor.rest.len()];
    let params = take_params(&mut cursor, |_| false)?;
    (!number.is_empty() && cursor.rest.is_empty()).then_some((whole, params))
}

/// `;a=1;b`, none of them empty.
fn take_params<'t>(cursor: &mut Cursor<'t>, ends: impl Fn(char) -> bool) -> Option<&'t str> {
    let whole = cursor.rest;
    while cursor.take(b';') {
        if cursor.until(|c| c == ';' || ends(c) || is_unescaped(c)).is_empty() {
            return None;
        }
    }
    Some(&whole[..whole.len() - cursor.rest.len()])
}

fn is_unescaped(c: char) -> bool {
    is_space(c) || matches!(c, '<' | '>' | '"')
}

fn uri_params(text: &str) -> Result<Params<'_>, Flaw> {
    let mut params = Params::new();
    for part in text.split(';').skip(1) {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(unescape(value)?)),
            None => (part, None),
        };
        let name = match unescape(name)? {
            Cow::Borrowed(name) => lower(name),
            Cow::Owned(name) => Cow::Owned(name.to_lowercase()),
        };
        if name.is_empty() {
            return Err(Flaw::new("a URI parameter without a name"));
        }
        params.push((name, value));
    }
    unique(params.iter().map(|(name, _)| &**name), "URI parameter")?;
    Ok(params)
}

fn uri_headers(text: Option<&str>) -> Result<Pairs<'_>, Flaw> {
    let mut headers = Vec::new();
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(headers);
    };
    for part in text.split('&') {
        let (name, value) = part.split_once('=').ok_or_else(bad_header)?;
        let name = unescape(name)?;
        if !is_token(&name) {
            return Err(bad_header());
        }
        headers.push((name, unescape(value)?));
    }
    Ok(headers)
}

fn bad_header() -> Flaw {
    Flaw::new("bad header inside a URI")
}

fn unescape(text: &str) -> Result<Cow<'_, str>, Flaw> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let code = after
            .get(..2)
            .filter(|code| code.iter().all(u8::is_ascii_hexdigit))
            .and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok())
            .ok_or_else(|| Flaw::about("bad escape in", text, 40))?;
        out.push(code);
        rest = &after[2..];
    }
    Ok(Cow::Owned(decode(&out).into_owned()))
}

/// A host, with IPv6 in brackets, and its port.
pub fn print_hostport(out: &mut String, host: &str, port: Option<u32>) {
    if host.contains(':') {
        out.extend(["[", host, "]"]);
    } else {
        out.push_str(host);
    }
    if let Some(port) = port {
        _ = write!(out, ":{port}");
    }
}

/// What stands between the scheme and the parameters.
pub fn print_authority(
    out: &mut String,
    user: Option<&str>,
    password: Option<&str>,
    host: &str,
    port: Option<u32>,
) {
    if let Some(user) = user {
        print_user(out, user);
        if let Some(password) = password {
            out.push(':');
            escape(out, password, b"!*'()&=+$,");
        }
        out.push('@');
    }
    print_hostport(out, host, port);
}

/// unreserved / user-unreserved
pub fn print_user(out: &mut String, user: &str) {
    escape(out, user, b"!*'()&=+$,;?/");
}

pub fn print_param(out: &mut String, name: &str, value: Option<&str>) {
    const PARAM: &[u8] = b"!*'()[]/:&+$"; // param-unreserved / unreserved
    out.push(';');
    escape(out, name, PARAM);
    if let Some(value) = value {
        out.push('=');
        escape(out, value, PARAM);
    }
}

pub fn print_header(out: &mut String, first: bool, name: &str, value: &str) {
    const HEADER: &[u8] = b"!*'()[]/?:+$"; // hnv-unreserved / unreserved
    out.push(if first { '?' } else { '&' });
    escape(out, name, HEADER);
    out.push('=');
    escape(out, value, HEADER);
}

fn escape(out: &mut String, text: &str, safe: &[u8]) {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || safe.contains(&byte) {
            out.push(char::from(byte));
        } else {
            _ = write!(out, "%{byte:02X}");
        }
    }
}
