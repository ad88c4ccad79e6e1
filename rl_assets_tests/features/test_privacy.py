"""Personal data in texts: what is found, what is left alone, and how well on published labelled sentences."""

import json
import random
from pathlib import Path
from string import ascii_letters, digits
from uuid import UUID

import pyarrow as pa
import pytest

from rl_assets.features.privacy import candidates, find, holds_personal_data, names_with_personal_data, redact

FOUND = [
    ("Write to joe.o'hara+x@mail.exa-mple.co.uk.", "Write to <EMAIL>."),
    ("müller@bücher.de", "<EMAIL>"),
    ("Pay with 4111 1111 1111 1111 now", "Pay with <CARD> now"),
    ("amex 3782-822463-10005", "amex <CARD>"),
    ("to DE89 3704 0044 0532 0130 00, today", "to <IBAN>, today"),
    ("GB82WEST12345698765432", "<IBAN>"),
    ("at61 1904 3002 3457 3201 send it; de89370400440532013000", "<IBAN> send it; <IBAN>"),
    ("Call +1-212-555-0143x204 or (212)555-0143x0204", "Call <PHONE> or <PHONE>"),
    ("212.555.0143x204, +1 212 555 0100 ext. 23, 030 1234567 Durchwahl 12", "<PHONE>, <PHONE>, <PHONE>"),
    ("SSN: 123 45 6789, or 123-45-6789, or ssn 123456789", "SSN: <SSN>, or <SSN>, or ssn <SSN>"),
    ("from 192.168.0.1:8080 and 2001:db8::8a2e:370:7334", "from <IP>:8080 and <IP>"),
    ("+49 (0)30 1234567 or (212) 555-1234", "<PHONE> or <PHONE>"),
    ("My phone number is 9472 7916.", "My phone number is <PHONE>."),
    ("appelez le 01.84.17.61.18", "appelez le <PHONE>"),
    (f"key sk-proj-{'a1B2' * 8}!", "key <KEY>!"),
    (f"AKIA{'ABCD' * 4} ghp_{'a1' * 18}", "<KEY> <KEY>"),
    (f"Authorization: Bearer {'q1w2e3r4' * 4}", "Authorization: Bearer <KEY>"),
    (f"eyJ{'hbGciOi' * 3}.eyJ{'zdWIiOi' * 3}.{'s1g' * 8}", "<KEY>"),
    (f'api_key = "{"k3y" * 8}"', 'api_key = "<KEY>"'),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY----- ok", "<KEY> ok"),
]
LEFT_ALONE = [
    "From 2025-03-14 17:38:09.000000 to 2019-11-24 00:01:03.979311+00:00",
    "run 05615228-5641-30c3-cd40-59aea21a90b4-7, 7a0a15e3-17cc-ba80-9e7a-95685ea24c59-0",
    "after 00:25:04.000000 of 1:02:09.123 hours",
    "On 2026-10-01 12:30:45 it was 1,234,567.89 of 10 000 000.",
    "v1.2.3.4, version 10.4.0.1, 127.0.0.1, 0.0.0.0 and 255.255.255.0",
    "id 550e8400-e29b-41d4-a716-446655440000, order 1697040000000, pi 3.14159265358",
    "std::vector<int> a; x::y::z; @app.get('/') and user@localhost",
    "4111 1111 1111 1112 has a wrong check digit, 1111 1111 1111 1111 no issuer",
    "DE89 3704 0044 0532 0130 01 is no account",
    "de89 3704 0044 0532 0130 01, be68539007547035 and ab12 3456 7890 1234 5678 neither",
    "000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000, 123 45 6789 and 123456789 are no SSN",
    "order 123-45-67890, part 1-123-45-6789, a board of 10 x 20, #23",
    "from 1998-2004, 100-200-3000, pages 12/34/5678",
    "the api key is secret; token: string; sk-short",
    "<EMAIL> and <PHONE> were here",
    "",
]
LEAST = {"EMAIL": 1.0, "CARD": 0.98, "IBAN": 1.0, "IP": 1.0, "PHONE": 0.9}
LABELS = {
    "EMAIL": "EMAIL_ADDRESS",
    "CARD": "CREDIT_CARD",
    "IBAN": "IBAN_CODE",
    "IP": "IP_ADDRESS",
    "PHONE": "PHONE_NUMBER",
}


@pytest.mark.parametrize(("text", "clean"), FOUND)
def test_personal_data_becomes_a_placeholder_of_its_kind(text, clean):
    assert redact(text)[0] == clean
    assert redact(clean) == (clean, [])
    assert holds_personal_data(pa.array([text, clean, None])).to_pylist() == [True, False, False]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_numbers_dates_versions_and_code_are_left_alone(text):
    assert redact(text) == (text, [])


def test_findings_among_other_text_are_found_and_nothing_is_left_after_one_pass():
    shuffled = random.Random(0)
    for _ in range(300):
        text = " ".join(shuffled.choice([*(text for text, _ in FOUND), *LEFT_ALONE]) for _ in range(6))
        clean, kinds = redact(text)
        assert find(clean) == [], clean
        assert len(kinds) == 0 or candidates(pa.array([text])).to_pylist() == [0]


def test_a_long_text_of_one_kind_of_sign_takes_no_long_time():
    for sign in ("1", "1 ", "a", "a.", "@", ":", "1.", "+", "-", "eyJ", "A1", "(1)", "é", "sk-", "1-"):
        assert isinstance(find(sign * 20_000), list)


def labelled(published_data: Path) -> list[dict]:
    lines = (published_data / "pii-presidio" / "synth_v2.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("kind", LEAST)
def test_labelled_sentences_are_found_without_false_alarms(published_data, kind):
    found = missed = false = 0
    for row in labelled(published_data):
        spans = [
            (span["start_position"], span["end_position"])
            for span in row["spans"]
            if span["entity_type"] == LABELS[kind]
        ]
        ours = [(finding.start, finding.end) for finding in find(row["full_text"]) if finding.kind == kind]
        hit = [any(min(end, to) - max(start, at) > 0.8 * (to - at) for start, end in ours) for at, to in spans]
        found, missed = found + sum(hit), missed + hit.count(False)
        false += sum(not any(min(end, to) > max(start, at) for at, to in spans) for start, end in ours)
    assert found / (found + missed) >= LEAST[kind]
    assert false == 0


def test_what_reads_all_texts_quickly_passes_over_no_finding(published_data):
    texts = [row["full_text"] for row in labelled(published_data)]
    suspected = set(candidates(pa.array(texts)).to_pylist())
    assert {place for place, text in enumerate(texts) if find(text)} <= suspected
    assert len(suspected) < len(texts) / 3


def test_ids_that_are_numbers_hashes_and_uuids_are_left_alone_and_personal_ones_are_found():
    draw = random.Random(3)
    plain = [
        name
        for _ in range(3_000)
        for name in (
            f"{draw.getrandbits(64)}",
            f"{draw.getrandbits(256):064x}",
            f"{draw.getrandbits(88):022x}",
            str(UUID(int=draw.getrandbits(128))),
            f"chat-2026100{draw.randrange(1, 9)}-{draw.randrange(10**6):06}",
            f"run_{draw.getrandbits(96):024x}",
            f"chatcmpl-{''.join(draw.choices(ascii_letters + digits, k=29))}",
        )
    ]
    personal = ["jo@example.com", "tenant/jo@example.com/7", "+1 212 555 0143", "10.1.2.3-a", "de89370400440532013000"]
    for ids in (True, False):
        assert not any(names_with_personal_data(pa.array(plain), ids=ids).to_pylist())
        assert all(names_with_personal_data(pa.array(personal), ids=ids).to_pylist())
