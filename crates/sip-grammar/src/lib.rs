//! `tongdai.sip.message.grammar`: the text of SIP messages, read and printed. What is read goes to Python as text,
//! numbers, tuples and dictionaries; what they mean is decided there. What the functions do is in `grammar.pyi`.

mod head;
mod text;
mod uri;
mod values;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use pyo3::exceptions::PyValueError;
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

#[pyclass(frozen)]
struct HeadReader {
    names: head::Names,
    /// The same, as Python's texts.
    written: Vec<Py<PyString>>,
    most: usize,
}

#[pymethods]
impl HeadReader {
    #[new]
    fn new(
        py: Python<'_>,
        names: Vec<String>,
        compact: HashMap<String, String>,
        once: HashSet<String>,
        loose: HashSet<String>,
        most: usize,
    ) -> PyResult<Self> {
        if names.len() > 128 {
            return Err(PyValueError::new_err("at most 128 names can be known"));
        }
        let names = head::Names::new(names, &compact, &once, &loose)
            .ok_or_else(|| PyValueError::new_err("a field that every message needs has no name"))?;
        let written = names.known.iter().map(|known| PyString::intern(py, &known.name).unbind()).collect();
        Ok(Self { names, written, most })
    }

    fn read<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        let text = text::decode(data);
        let head = head::read(&self.names, &text, self.most).map_err(|flaw| raised(py, flaw))?;
        let fields = PyDict::new(py);
        let mut written: u128 = 0;
        for (name, value) in &head.fields {
            let (name, again) = match name {
                head::Name::Known(known) => {
                    let again = written & (1 << known) != 0;
                    written |= 1 << known;
                    (self.written[*known].bind(py).clone(), again)
                }
                head::Name::Other(name) => (PyString::new(py, name), true),
            };
            match if again { fields.get_item(&name)? } else { None } {
                Some(values) => values.cast_into::<PyList>()?.append(&**value)?,
                None => fields.set_item(name, PyList::new(py, [&**value])?)?,
            }
        }
        let (status, first, second) = match head.start {
            head::Start::Request { method, target } => (0, method, target),
            head::Start::Response { status, reason } => (status, reason, ""),
        };
        let (required, error) = match &head.error {
            Some(error) => (None, Some(error.clone())),
            None => match head.required(&self.names) {
                Ok(required) => (Some(required), None),
                Err(flaw) => (None, Some(flaw.reason)),
            },
        };
        let required = match required {
            None => None,
            Some(required) => {
                let ends = match &required.ends {
                    None => None,
                    Some((from, to)) => Some((address_tuple(py, from)?, address_tuple(py, to)?)),
                };
                Some((via_tuple(py, required.via)?, required.cseq, ends))
            }
        };
        (status, first, second, fields, required, error).into_pyobject(py)
    }
}

#[pyfunction]
fn print_message<'py>(
    py: Python<'py>,
    start: &str,
    fields: &Bound<'py, PyDict>,
    body: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
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
    for (name, value) in params.iter() {
        let value = value.extract::<Option<Bound<'_, PyString>>>()?;
        let value = value.as_ref().map(|value| value.to_str()).transpose()?;
        values::print_param(&mut out, name.cast::<PyString>()?.to_str()?, value);
    }
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
        HeadReader, is_token, parse_params, parse_port, print_message, print_params, quote, read_address,
        read_credentials, read_cseq, read_uri, read_via, split_list, unquote,
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
