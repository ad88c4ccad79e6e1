"""Refusals, boilerplate and languages of answers."""

import pyarrow as pa
import pytest

from rl_assets.features.text_flags import boilerplate, languages, refusals

REFUSALS = [
    "I'm sorry, but I can’t help with that.",
    "I cannot assist with this request.",
    "As an AI language model, I don't have opinions.",
    "Leider kann ich Ihnen dabei nicht helfen.",
    "Es tut mir leid, aber das kann ich nicht beantworten.",
    "Lo siento, no puedo ayudar con eso.",
    "Como modelo de lenguaje, no tengo acceso a datos.",
    "Désolé, je ne peux pas vous aider.",
    "Je suis désolé, mais je ne peux pas répondre à cette question.",
]
STOCK = [
    "Hello! How can I help you today?",
    "Something went wrong. Please try again later.",
    "[object Object]",
    "Thank you for your message!",
    "Guten Tag! Wie kann ich Ihnen helfen?",
    "Vielen Dank für Ihre Anfrage.",
    "¡Hola! ¿En qué puedo ayudarte hoy?",
    "Ha ocurrido un error inesperado.",
    "Bonjour ! Comment puis-je vous aider aujourd'hui ?",
    "Une erreur s'est produite.",
]
ANSWERS = [
    "Sorry for the wait. Your order ships today.",
    "I can't help but admire it: the colour is blue.",
    "I cannot find order 5; it was sent to Paris, as the label says.",
    "Es tut mir leid, dass Sie warten mussten. Das Paket kommt morgen.",
    "Thank you for asking how to reset it: hold the button for five seconds, then let go.",
    "None",
    "Danke",
    "It is 21.",
    "",
    None,
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_one_and_no_boilerplate(text):
    assert (refusals(pa.array([text])).to_pylist(), boilerplate(pa.array([text])).to_pylist()) == ([True], [False])


@pytest.mark.parametrize("text", STOCK)
def test_a_stock_phrase_is_boilerplate_and_no_refusal(text):
    assert (refusals(pa.array([text])).to_pylist(), boilerplate(pa.array([text])).to_pylist()) == ([False], [True])


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_neither(text):
    texts = pa.array([text], pa.string())
    assert (refusals(texts).to_pylist(), boilerplate(texts).to_pylist()) == ([False], [False])


def test_a_refusal_late_in_a_long_answer_is_part_of_the_answer():
    assert refusals(pa.array(["The colour is blue. " * 30 + "I cannot assist with more."])).to_pylist() == [False]


def test_languages_are_told_where_there_is_enough_text():
    texts = [
        "Where is my order and when will it arrive?",
        "Wo ist meine Bestellung und wann kommt sie an?",
        "¿Dónde está mi pedido y cuándo llegará a casa?",
        "Où est ma commande et quand arrivera-t-elle ?",
        "ok",
        "12345 67890 12345 67890 12345",
        None,
    ]
    assert languages(pa.array(texts)).to_pylist() == ["en", "de", "es", "fr", None, None, None]
