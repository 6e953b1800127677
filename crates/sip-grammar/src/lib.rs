//! `tongdai.sip.message.grammar`: the text of SIP messages, read and printed. What is read goes to Python as text,
//! numbers, tuples and dictionaries, or is put into the values of a message that Python has; what they mean is
//! decided there. What the functions do is in `grammar.pyi`.

mod head;
mod text;
mod uri;
mod values;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple, PyType};

use text::Flaw;

static PARSE_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// As the error that Python knows.
fn raised(py: Python<'_>, flaw: Flaw) -> PyErr {
    let made = PARSE_ERROR.import(py, "tongdai.sip.message.errors", "ParseError").and_then(|class| {
        let status = PyDict::new(py);
        status.set_item("status", flaw.status)?;
        class.call((flaw.reason,), Some(&status))
    });
    made.map_or_else(|error| error, PyErr::from_value)
}

/// The characters of a text. Half a character, which Python may hold, is nobody's grammar.
fn read<'t>(text: &'t Bound<'_, PyString>) -> PyResult<&'t str> {
    text.to_str().map_err(|_| raised(text.py(), Flaw::new("half a character in a text")))
}

fn dict<'py>(py: Python<'py>, params: &values::Params<'_>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in params {
        dict.set_item(&**name, value.as_deref())?;
    }
    Ok(dict)
}

type ViaTuple<'py> = (String, Bound<'py, PyString>, Option<u16>, Bound<'py, PyDict>);

fn via_tuple<'py>(py: Python<'py>, via: values::Via<'_>) -> PyResult<ViaTuple<'py>> {
    Ok((via.transport, PyString::new(py, &via.host), via.port, dict(py, &via.params)?))
}

type AddressTuple<'py> = (Bound<'py, PyString>, Option<Bound<'py, PyString>>, Bound<'py, PyDict>);

fn address_tuple<'py>(py: Python<'py>, address: &values::Address<'_>) -> PyResult<AddressTuple<'py>> {
    let display = address.display.as_ref().map(|name| PyString::new(py, name));
    Ok((PyString::new(py, address.uri), display, dict(py, &address.params)?))
}

/// The fields that a response repeats (RFC 3261 §8.2.6).
const REPEATED: [&str; 5] = ["Via", "From", "To", "Call-ID", "CSeq"];

#[pyclass(frozen)]
struct Heads {
    names: head::Names,
    /// The same, as Python's texts.
    written: Vec<Py<PyString>>,
    most: usize,
    via: Py<PyAny>,
    cseq: Py<PyAny>,
    address: Py<PyAny>,
}

#[pymethods]
impl Heads {
    #[new]
    fn new(
        py: Python<'_>,
        names: Vec<String>,
        compact: HashMap<String, String>,
        once: HashSet<String>,
        loose: HashSet<String>,
        most: usize,
        values: (Py<PyAny>, Py<PyAny>, Py<PyAny>),
    ) -> PyResult<Self> {
        if names.len() > 128 {
            return Err(PyValueError::new_err("at most 128 names can be known"));
        }
        let names = head::Names::new(names, &compact, &once, &loose)
            .ok_or_else(|| PyValueError::new_err("a field that every message needs has no name"))?;
        let written = names.known.iter().map(|known| PyString::intern(py, &known.name).unbind()).collect();
        let (via, cseq, address) = values;
        Ok(Self { names, written, most, via, cseq, address })
    }

    fn read<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        let (head, after) = head::split(data);
        let text = text::decode(head);
        let head = head::read(&self.names, &text, self.most).map_err(|flaw| raised(py, flaw))?;
        let fields = PyDict::new(py);
        let mut written: u128 = 0;
        for (name, value) in &head.fields {
            let before = written;
            let again = match name {
                head::Name::Known(known) => {
                    written |= 1 << known;
                    written == before
                }
                head::Name::Other(_) => true,
            };
            self.put(&fields, name, PyString::new(py, value).into_any(), again)?;
        }
        let mut error = head.error.clone();
        let (mut call_id, mut via, mut cseq, mut from, mut to) = (None, None, None, None, None);
        if error.is_none() {
            match head.required(&self.names) {
                Err(flaw) => error = Some(flaw.reason),
                Ok(required) => {
                    call_id = Some(PyString::new(py, required.call_id));
                    via = Some(self.via.bind(py).call1(via_tuple(py, required.via)?)?);
                    cseq = Some(self.cseq.bind(py).call1(required.cseq)?);
                    if let Some(ends) = &required.ends {
                        from = Some(self.address.bind(py).call1(address_tuple(py, &ends.0)?)?);
                        to = Some(self.address.bind(py).call1(address_tuple(py, &ends.1)?)?);
                    }
                }
            }
        }
        if after.is_none() {
            error.get_or_insert_with(|| "no empty line after the header".to_owned());
        }
        let body = head.body(&self.names, after.unwrap_or_default()).unwrap_or_else(|flaw| {
            error.get_or_insert(flaw.reason);
            b""
        });
        let (status, first, second) = match head.start {
            head::Start::Request { method, target } => (0, method, target),
            head::Start::Response { status, reason } => (status, reason, ""),
        };
        (status, first, second, fields, PyBytes::new(py, body), call_id, via, cseq, from, to, error)
            .into_pyobject(py)
    }

    fn spelt<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyString> {
        self.text(py, &self.names.spelt(name))
    }

    fn add(&self, fields: &Bound<'_, PyDict>, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            let (name, value) = line?.extract::<(Bound<'_, PyString>, Bound<'_, PyAny>)>()?;
            self.put(fields, &self.names.spelt(name.to_str()?), value, true)?;
        }
        Ok(())
    }

    fn response<'py>(
        &self,
        request: &Bound<'py, PyDict>,
        to_tag: Option<&str>,
        lines: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = request.py();
        let fields = PyDict::new(py);
        for name in REPEATED {
            let name = PyString::intern(py, name);
            if let Some(values) = request.get_item(&name)? {
                fields.set_item(name, values.cast_into::<PyList>()?.as_sequence().to_list()?)?;
            }
        }
        if let Some(tag) = to_tag
            && let Some(to) = fields.get_item(intern!(py, "To"))?
        {
            let to = to.cast_into::<PyList>()?;
            to.set_item(0, format!("{};tag={tag}", to.get_item(0)?.cast::<PyString>()?.to_str()?))?;
        }
        self.add(&fields, lines)?;
        Ok(fields)
    }
}

impl Heads {
    fn text<'py>(&self, py: Python<'py>, name: &head::Name) -> Bound<'py, PyString> {
        match name {
            head::Name::Known(known) => self.written[*known].bind(py).clone(),
            head::Name::Other(name) => PyString::new(py, name),
        }
    }

    /// Append a line to fields that have perhaps one of that name.
    fn put(
        &self,
        fields: &Bound<'_, PyDict>,
        name: &head::Name,
        value: Bound<'_, PyAny>,
        again: bool,
    ) -> PyResult<()> {
        let py = fields.py();
        let name = self.text(py, name);
        match if again { fields.get_item(&name)? } else { None } {
            Some(values) => values.cast_into::<PyList>()?.append(value),
            None => fields.set_item(name, PyList::new(py, [value])?),
        }
    }
}

#[pyfunction]
fn print_message<'py>(
    py: Python<'py>,
    start: &str,
    fields: &Bound<'py, PyDict>,
    body: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    fields.set_item(intern!(py, "Content-Length"), PyList::new(py, [body.len().to_string()])?)?;
    let mut out = Vec::with_capacity(1024 + body.len());
    out.extend_from_slice(start.as_bytes());
    out.extend_from_slice(b"\r\n");
    let mut lines = 1;
    for (name, values) in fields {
        let name = name.cast_into::<PyString>()?;
        for value in values.cast_into::<PyList>()? {
            out.extend_from_slice(name.to_str()?.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.cast::<PyString>()?.to_str()?.as_bytes());
            out.extend_from_slice(b"\r\n");
            lines += 1;
        }
    }
    if out.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() != 2 * lines {
        return Err(PyValueError::new_err("a line break inside a SIP header"));
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    Ok(PyBytes::new(py, &out))
}

#[pyfunction]
fn parse_params<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyDict>> {
    let py = text.py();
    dict(py, &values::params(read(text)?).map_err(|flaw| raised(py, flaw))?)
}

#[pyfunction]
fn print_params(params: &Bound<'_, PyDict>) -> PyResult<String> {
    let mut out = String::new();
    add_params(&mut out, params)?;
    Ok(out)
}

fn add_params(out: &mut String, params: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, value) in params.iter() {
        let value = value.extract::<Option<Bound<'_, PyString>>>()?;
        let value = value.as_ref().map(|value| value.to_str()).transpose()?;
        values::print_param(out, name.cast::<PyString>()?.to_str()?, value);
    }
    Ok(())
}

#[pyfunction]
fn print_via(transport: &str, host: &str, port: Option<u32>, params: &Bound<'_, PyDict>) -> PyResult<String> {
    let mut out = format!("SIP/2.0/{transport} ");
    uri::print_hostport(&mut out, host, port);
    add_params(&mut out, params)?;
    Ok(out)
}

#[pyfunction]
fn split_list<'py>(value: &Bound<'py, PyString>) -> PyResult<Vec<Bound<'py, PyString>>> {
    let py = value.py();
    let elements = values::list(read(value)?).map_err(|flaw| raised(py, flaw))?;
    Ok(elements.into_iter().map(|element| PyString::new(py, element)).collect())
}

#[pyfunction]
fn read_via<'py>(text: &Bound<'py, PyString>) -> PyResult<ViaTuple<'py>> {
    let py = text.py();
    via_tuple(py, values::via(read(text)?).map_err(|flaw| raised(py, flaw))?)
}

#[pyfunction]
fn read_address<'py>(text: &Bound<'py, PyString>) -> PyResult<AddressTuple<'py>> {
    let py = text.py();
    address_tuple(py, &values::address(read(text)?).map_err(|flaw| raised(py, flaw))?)
}

#[pyfunction]
fn read_cseq<'py>(text: &Bound<'py, PyString>) -> PyResult<(u32, Bound<'py, PyString>)> {
    let py = text.py();
    let (number, method) = values::cseq(read(text)?).map_err(|flaw| raised(py, flaw))?;
    Ok((number, PyString::new(py, method)))
}

#[pyfunction]
fn read_credentials<'py>(
    text: &Bound<'py, PyString>,
) -> PyResult<(Bound<'py, PyString>, Bound<'py, PyDict>)> {
    let py = text.py();
    let (scheme, params) = values::credentials(read(text)?).map_err(|flaw| raised(py, flaw))?;
    let dict = PyDict::new(py);
    for (name, value) in params {
        dict.set_item(&*name, &*value)?;
    }
    Ok((PyString::new(py, &scheme), dict))
}

#[pyfunction]
fn read_uri<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyTuple>> {
    let py = text.py();
    let uri = uri::uri(read(text)?).map_err(|flaw| raised(py, flaw))?;
    let headers: Vec<(&str, &str)> = uri.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    (
        &*uri.host,
        uri.user.as_deref(),
        uri.port,
        &*uri.scheme,
        uri.password.as_deref(),
        dict(py, &uri.params)?,
        headers,
    )
        .into_pyobject(py)
}

#[pyfunction]
fn print_uri(
    host: &str,
    user: Option<&str>,
    port: Option<u32>,
    scheme: &str,
    password: Option<&str>,
    params: &Bound<'_, PyDict>,
    headers: Vec<(Bound<'_, PyString>, Bound<'_, PyString>)>,
) -> PyResult<String> {
    let mut out = format!("{scheme}:");
    if scheme == "tel" {
        out.push_str(user.unwrap_or_default());
    } else {
        uri::print_authority(&mut out, user, password, host, port);
    }
    for (name, value) in params.iter() {
        let value = value.extract::<Option<Bound<'_, PyString>>>()?;
        let value = value.as_ref().map(|value| value.to_str()).transpose()?;
        uri::print_param(&mut out, name.cast::<PyString>()?.to_str()?, value);
    }
    if scheme != "tel" {
        for (at, (name, value)) in headers.iter().enumerate() {
            uri::print_header(&mut out, at == 0, name.to_str()?, value.to_str()?);
        }
    }
    Ok(out)
}

#[pyfunction]
fn escape_user(user: &str) -> String {
    let mut out = String::new();
    uri::print_user(&mut out, user);
    out
}

#[pyfunction]
fn parse_port(py: Python<'_>, text: Option<&str>) -> PyResult<Option<u16>> {
    text.map(values::port).transpose().map_err(|flaw| raised(py, flaw))
}

#[pyfunction]
fn is_token(text: &str) -> bool {
    text::is_token(text)
}

#[pyfunction]
fn quote(text: &str) -> String {
    text::quote(text)
}

#[pyfunction]
fn unquote(text: &str) -> Cow<'_, str> {
    text::unquote(text)
}

#[pymodule]
mod grammar {
    #[pymodule_export]
    use super::{
        Heads, escape_user, is_token, parse_params, parse_port, print_message, print_params, print_uri,
        print_via, quote, read_address, read_credentials, read_cseq, read_uri, read_via, split_list, unquote,
    };
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("BAD_VERSION", super::head::BAD_VERSION)?;
        // of the types of parameters only annotations speak, and `dict` says it to them
        module.add("Params", module.py().get_type::<PyDict>())
    }
}
