//! What header fields hold: parameters, lists, addresses, Via, CSeq, credentials.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use crate::text::{
    Cursor, Flaw, closing_quote, is_host_byte, is_plain_value, is_space, is_token, is_token_byte, lower,
    quote, shown, strip, unquote,
};

/// Parameters in order; names in lower case; None for a parameter without a value.
pub type Params<'t> = Vec<(Cow<'t, str>, Option<Cow<'t, str>>)>;

/// Names and values in order.
pub type Pairs<'t> = Vec<(Cow<'t, str>, Cow<'t, str>)>;

/// Read `;a=1;b` (what follows a value).
pub fn params(text: &str) -> Result<Params<'_>, Flaw> {
    let mut params = Params::new();
    if text.is_empty() {
        return Ok(params);
    }
    let text = text.trim_start_matches(is_space);
    let Some(inside) = text.strip_prefix(';') else {
        return Err(Flaw::new(format!("unexpected text {} before parameters", shown(text, 40))));
    };
    if text.contains('"') {
        return quoted_params(inside);
    }
    for part in inside.split(';') {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(strip(value))),
            None => (part, None),
        };
        let name = strip(name);
        if !is_token(name) {
            return Err(Flaw::about("bad parameter name", name, 40));
        }
        if value.is_some_and(|value| !is_plain_value(value)) {
            return Err(bad_value(name));
        }
        params.push((lower(name), value.map(Cow::Borrowed)));
    }
    unique(params.iter().map(|(name, _)| &**name), "parameter")?;
    Ok(params)
}

fn quoted_params(text: &str) -> Result<Params<'_>, Flaw> {
    let mut params = Params::new();
    let mut cursor = Cursor::new(text);
    loop {
        let before = cursor.rest;
        let bad = || Flaw::about("bad parameters", before, 40);
        let name = cursor.spaces().bytes(is_token_byte);
        if name.is_empty() {
            return Err(bad());
        }
        let mut value = None;
        if cursor.spaces().take(b'=') {
            cursor.spaces();
            value = Some(match cursor.quoted() {
                Some(quoted) => quoted,
                None => cursor.until(|c| is_space(c) || matches!(c, ';' | ',' | '"')),
            });
            cursor.spaces();
        }
        let more = cursor.take(b';');
        if !more && !cursor.rest.is_empty() {
            return Err(bad());
        }
        if value.is_some_and(|value| !value.starts_with('"') && !is_plain_value(value)) {
            return Err(bad_value(name));
        }
        params.push((lower(name), value.map(unquote)));
        if cursor.rest.is_empty() {
            if more {
                return Err(Flaw::new("empty parameter"));
            }
            unique(params.iter().map(|(name, _)| &**name), "parameter")?;
            return Ok(params);
        }
    }
}

/// Names that come twice are an error. Strangers may send thousands: beyond a few they are sorted.
pub fn unique<'n>(names: impl Iterator<Item = &'n str> + Clone, what: &str) -> Result<(), Flaw> {
    let twice = |name: &str| Err(Flaw::new(format!("{what} {} twice", shown(name, 40))));
    if names.clone().nth(16).is_none() {
        let mut rest = names;
        while let Some(name) = rest.next() {
            if rest.clone().any(|other| other == name) {
                return twice(name);
            }
        }
        return Ok(());
    }
    let mut sorted: Vec<&str> = names.collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map_or(Ok(()), |pair| twice(pair[0]))
}

fn bad_value(name: &str) -> Flaw {
    Flaw::about("bad value of parameter", name, 40)
}

/// `;a=1;b`, quoting what is no token.
pub fn print_param(out: &mut String, name: &str, value: Option<&str>) {
    out.push(';');
    out.push_str(name);
    if let Some(value) = value {
        out.push('=');
        if !value.is_empty() && is_plain_value(value) {
            out.push_str(value);
        } else {
            out.push_str(&quote(value));
        }
    }
}

/// Split at the commas between elements: not those in quoted-strings or inside <>.
pub fn list(value: &str) -> Result<Vec<&str>, Flaw> {
    let bytes = value.as_bytes();
    let mut elements = Vec::new();
    let (mut start, mut at, mut inside) = (0, 0, false);
    let many = value.contains(',');
    while many && at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = closing_quote(bytes, at + 1).ok_or_else(|| Flaw::new("quote is not closed"))?;
                continue;
            }
            b'<' => inside = true,
            b'>' => inside = false,
            b',' if !inside => {
                elements.push(strip(&value[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    elements.push(strip(&value[start..]));
    if elements.contains(&"") {
        return Err(Flaw::new("empty element in a list"));
    }
    Ok(elements)
}

/// A host as it is compared: lower case, IPv6 without brackets.
pub fn host(text: &str) -> Result<Cow<'_, str>, Flaw> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) if inner.parse::<Ipv6Addr>().is_err() => Err(Flaw::about("bad IPv6 address", inner, 60)),
        Some(inner) => Ok(lower(inner)),
        None => Ok(lower(text)),
    }
}

/// host = hostname / IPv4address / IPv6reference
pub fn take_host<'t>(cursor: &mut Cursor<'t>) -> Option<&'t str> {
    if !cursor.rest.starts_with('[') {
        let host = cursor.bytes(is_host_byte);
        return (!host.is_empty()).then_some(host);
    }
    let whole = cursor.rest;
    cursor.take(b'[');
    let inner = cursor.bytes(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    (!inner.is_empty() && cursor.take(b']')).then(|| &whole[..inner.len() + 2])
}

/// A port number, 1..65535, from its digits.
pub fn port(digits: &str) -> Result<u16, Flaw> {
    match digits.parse() {
        Ok(port) if port > 0 && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(port)
        }
        _ => Err(Flaw::new(format!("bad port {}", digits.chars().take(10).collect::<String>()))),
    }
}

/// An element of Via (§20.42).
pub struct Via<'t> {
    pub transport: String,
    pub host: Cow<'t, str>,
    pub port: Option<u16>,
    pub params: Params<'t>,
}

/// via-parm = protocol-name SLASH protocol-version SLASH transport LWS sent-by *(SEMI via-params)
pub fn via(text: &str) -> Result<Via<'_>, Flaw> {
    via_parts(text).ok_or_else(|| Flaw::about("bad Via", text, 60)).and_then(
        |(transport, found, digits, rest)| {
            Ok(Via {
                transport: transport.to_ascii_uppercase(),
                host: host(found)?,
                port: digits.map(port).transpose()?,
                params: params(rest)?,
            })
        },
    )
}

type ViaParts<'t> = (&'t str, &'t str, Option<&'t str>, &'t str);

fn via_parts(text: &str) -> Option<ViaParts<'_>> {
    let mut cursor = Cursor::new(text);
    if !(cursor.take_word("SIP")
        && cursor.spaces().take(b'/')
        && cursor.spaces().take_word("2.0")
        && cursor.spaces().take(b'/'))
    {
        return None;
    }
    let transport = cursor.spaces().bytes(is_token_byte);
    if transport.is_empty() || !cursor.rest.starts_with(is_space) {
        return None;
    }
    let host = take_host(cursor.spaces())?;
    let digits = if cursor.spaces().take(b':') { Some(digits(cursor.spaces())?) } else { None };
    let rest = cursor.spaces().rest;
    let read = &text.as_bytes()[..text.len() - rest.len()];
    let plain = read.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b'\t'..=b'\r' | b' '));
    (plain && (rest.is_empty() || rest.starts_with(';'))).then_some((transport, host, digits, rest))
}

pub fn digits<'t>(cursor: &mut Cursor<'t>) -> Option<&'t str> {
    let digits = cursor.bytes(|byte| byte.is_ascii_digit());
    (!digits.is_empty()).then_some(digits)
}

/// A name-addr or addr-spec with header parameters (§20).
pub struct Address<'t> {
    pub uri: &'t str,
    pub display: Option<Cow<'t, str>>,
    pub params: Params<'t>,
}

/// Without angle brackets, parameters belong to the header field and `?` and `,` are errors (§20). Unquoted names
/// are read more liberally than *(token LWS), since phones send any language unquoted.
pub fn address(text: &str) -> Result<Address<'_>, Flaw> {
    let (display, uri, rest) = name_addr(text)
        .or_else(|| addr_spec(text).map(|(uri, rest)| ("", uri, rest)))
        .ok_or_else(|| Flaw::about("bad address", text, 60))?;
    let display = unquote(strip(display));
    Ok(Address { uri, display: (!display.is_empty()).then_some(display), params: params(rest)? })
}

/// name-addr = [ display-name ] "<" addr-spec ">"
fn name_addr(text: &str) -> Option<(&str, &str, &str)> {
    let mut cursor = Cursor::new(text);
    let display = match cursor.spaces().quoted() {
        Some(quoted) => quoted,
        None => cursor.until(|c| matches!(c, '"' | '<' | '>' | ',' | ';')),
    };
    if !cursor.spaces().take(b'<') {
        return None;
    }
    let uri = cursor.spaces().until(|c| is_space(c) || matches!(c, '<' | '>'));
    if uri.is_empty() || !cursor.spaces().take(b'>') {
        return None;
    }
    let rest = cursor.spaces().rest;
    (rest.is_empty() || rest.starts_with(';')).then_some((display, uri, rest))
}

fn addr_spec(text: &str) -> Option<(&str, &str)> {
    let mut cursor = Cursor::new(text);
    let whole = cursor.spaces().rest;
    let scheme = take_scheme(&mut cursor)?;
    let address = cursor.until(|c| is_space(c) || matches!(c, ';' | '?' | ',' | '<' | '>' | '"'));
    let uri = &whole[..scheme.len() + 1 + address.len()];
    let rest = cursor.spaces().rest;
    (!address.is_empty() && (rest.is_empty() || rest.starts_with(';'))).then_some((uri, rest))
}

/// The scheme of a URI, and its colon.
pub fn take_scheme<'t>(cursor: &mut Cursor<'t>) -> Option<&'t str> {
    let scheme = cursor.bytes(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && cursor.take(b':')).then_some(scheme)
}

/// Number and method; numbers end below 2**32 (§8.1.1.5 asks for 2**31, some count further).
pub fn cseq(text: &str) -> Result<(u32, &str), Flaw> {
    let mut cursor = Cursor::new(text);
    let number = digits(&mut cursor).filter(|digits| digits.len() <= 20);
    let spaced = cursor.rest.starts_with(is_space);
    let method = cursor.spaces().bytes(is_token_byte);
    number
        .and_then(|digits| digits.parse().ok())
        .filter(|_| spaced && !method.is_empty() && cursor.rest.is_empty())
        .map(|number| (number, method))
        .ok_or_else(|| Flaw::about("bad CSeq", text, 40))
}

/// A challenge or credentials: scheme in lower case, parameters with names in lower case, unquoted.
pub fn credentials(text: &str) -> Result<(Cow<'_, str>, Pairs<'_>), Flaw> {
    let (scheme, rest) = strip(text).split_once(' ').unwrap_or((strip(text), ""));
    if !is_token(scheme) {
        return Err(Flaw::new("bad authentication scheme"));
    }
    let mut params = Pairs::new();
    let mut cursor = Cursor::new(strip(rest));
    while !cursor.rest.is_empty() {
        let before = cursor.rest;
        let bad = || Flaw::about("bad authentication parameters", before, 40);
        let name = cursor.spaces().bytes(is_token_byte);
        if name.is_empty() || !cursor.spaces().take(b'=') {
            return Err(bad());
        }
        cursor.spaces();
        let value = match cursor.quoted() {
            Some(quoted) => quoted,
            None => cursor.until(|c| is_space(c) || matches!(c, ',' | '"')),
        };
        if value.is_empty() || (!cursor.spaces().take(b',') && !cursor.rest.is_empty()) {
            return Err(bad());
        }
        params.push((lower(name), unquote(value)));
    }
    unique(params.iter().map(|(name, _)| &**name), "authentication parameter")?;
    Ok((lower(scheme), params))
}
