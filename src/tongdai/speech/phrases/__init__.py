"""What the system says, by key, in each language.

A phrase is a template (`"{name} is not available."`) or a function of its parameters where grammar needs one
(plurals). A parameter that is an `int` is a count and is spoken as one ("twelve"); a `str` that one could
dial (an extension, a number, `*97`) is spoken digit by digit; any other `str` is a name. Both languages have
the same keys with the same parameters (tests/unit/speech/test_phrases.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from string import Formatter

from tongdai.core.language import Language
from tongdai.speech.errors import SpeechError
from tongdai.speech.normalise import normalise
from tongdai.speech.numbers import cardinal, digit_by_digit, is_dialled
from tongdai.speech.phrases import en, vi

CATALOGUES: dict[Language, Mapping[str, str | Callable[..., str]]] = {"en": en.PHRASES, "vi": vi.PHRASES}


def parameters(key: str, language: Language) -> dict[str, bool]:
    """The parameters of a phrase, and whether each must be given."""
    phrase = _phrase(key, language)
    if isinstance(phrase, str):
        return {name: True for _, name, _, _ in Formatter().parse(phrase) if name is not None}
    signature = inspect.signature(phrase)
    return {name: p.default is inspect.Parameter.empty for name, p in signature.parameters.items()}


def render(key: str, args: Mapping[str, str | int], language: Language) -> str:
    """The words of a phrase, ready to be spoken.

    Raises `SpeechError` for a key, a parameter or a language that does not exist, or a parameter left out.
    """
    phrase = _phrase(key, language)
    known = parameters(key, language)
    missing = [name for name, required in known.items() if required and name not in args]
    unknown = [name for name in args if name not in known]
    if missing or unknown:
        raise SpeechError(
            "bad_phrase_parameters",
            f"The phrase {key} takes ({', '.join(known)}) and was given ({', '.join(args)}).",
            "Give each of its parameters and no other.",
        )
    if isinstance(phrase, str):
        text = phrase.format_map({name: _spoken(value, language) for name, value in args.items()})
    else:
        # a function counts before it speaks: ints reach it as they are
        text = phrase(**{n: v if isinstance(v, int) else _spoken(v, language) for n, v in args.items()})
    return normalise(text, language)


def sample(key: str, language: Language) -> str:
    """The words of a phrase for people to read: parameters in braces, and counts of two."""
    phrase = _phrase(key, language)
    if isinstance(phrase, str):
        return phrase
    kinds = {name: p.annotation for name, p in inspect.signature(phrase).parameters.items()}
    return phrase(**{name: 2 if kind == "int" else f"{{{name}}}" for name, kind in kinds.items()})


def static(language: Language) -> list[str]:
    """The words of all phrases without parameters: what can be spoken before anybody calls."""
    return [render(key, {}, language) for key in CATALOGUES[language] if not parameters(key, language)]


def _phrase(key: str, language: Language) -> str | Callable[..., str]:
    if language not in CATALOGUES:
        raise SpeechError(
            "unknown_language", f"{language!r} cannot be spoken.", f"Choose one of {', '.join(CATALOGUES)}."
        )
    phrase = CATALOGUES[language].get(key)
    if phrase is None:
        raise SpeechError(
            "unknown_phrase", f"There is no phrase {key!r}.", "See tongdai/speech/phrases/en.py."
        )
    return phrase


def _spoken(value: str | int, language: Language) -> str:
    if isinstance(value, int):
        return cardinal(value, language)
    return digit_by_digit(value, language) if is_dialled(value) else value.strip()
