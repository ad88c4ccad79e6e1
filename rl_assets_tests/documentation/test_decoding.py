"""Image files as they come: sound ones are measured, all others are refused with a reason, and nothing stops."""

import io
import struct
import zlib

import pytest
from PIL import Image

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import ImageInfo, Limits, RejectedImage
from rl_assets_tests.support.documentation_sites import picture


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as running:
        yield running


def reason(decoder, path, content):
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    found = decoder.info(path)
    return found.reason if isinstance(found, RejectedImage) else found.format


def claimed_size(width, height):
    """A PNG whose header claims a size and whose data are nearly nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def animation(frames):
    images = [Image.new("P", (2, 2), i % 2) for i in range(frames)]
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], optimize=False, duration=10)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF"])
def test_sound_images_are_measured_whatever_their_name(decoder, tmp_path, kind):
    path = tmp_path / "named.txt"
    path.write_bytes(picture(50, 40, kind=kind))
    found = decoder.info(path)
    assert isinstance(found, ImageInfo)
    assert (found.width, found.height, found.format, found.frames) == (50, 40, kind.lower(), 1)


def test_an_animation_has_its_frames_counted_and_too_many_are_refused(tmp_path):
    with Decoder(Limits(frames=20)) as decoder:
        (tmp_path / "short.gif").write_bytes(animation(15))
        assert decoder.info(tmp_path / "short.gif").frames == 15
        assert reason(decoder, tmp_path / "long.gif", animation(40)) == "too_many_frames"


def test_bombs_and_damage_are_refused_with_a_reason(decoder, tmp_path):
    path = tmp_path / "x.png"
    assert reason(decoder, path, claimed_size(60_000, 60_000)) == "too_many_pixels"
    assert reason(decoder, path, claimed_size(9_000, 9_000)) == "too_many_pixels"
    assert reason(decoder, path, claimed_size(100, 100)) == "damaged"
    assert reason(decoder, path, picture()[:200]) == "damaged"
    assert reason(decoder, path, b"") == "not_an_image"
    assert reason(decoder, path, "<html></html>") == "not_an_image"
    assert reason(decoder, path, b"%!PS-Adobe-3.0 EPSF-3.0\n") == "not_an_image"


def test_an_image_too_big_for_the_memory_limit_is_refused_and_the_next_is_measured(tmp_path):
    # The picture takes 48 MB, the process may take 30.
    with Decoder(Limits(memory_megabytes=30)) as decoder:
        big = io.BytesIO()
        Image.new("RGB", (4000, 4000)).save(big, "PNG")
        assert reason(decoder, tmp_path / "big.png", big.getvalue()) in ("too_much_memory", "damaged", "decoder_died")
        assert reason(decoder, tmp_path / "small.png", picture()) == "png"


def test_a_file_too_big_is_not_read(tmp_path):
    with Decoder(Limits(megabytes=0.0001)) as decoder:
        assert reason(decoder, tmp_path / "x.png", picture()) == "too_many_bytes"


def test_a_decoder_that_dies_or_hangs_costs_one_file(tmp_path):
    with Decoder(Limits(seconds=0.3)) as decoder:
        assert reason(decoder, tmp_path / "a.png", picture()) == "png"
        decoder._process.kill()
        assert reason(decoder, tmp_path / "b.png", picture()) == "decoder_died"
        assert reason(decoder, tmp_path / "c.png", picture()) == "png"
        decoder._process.send_signal(19)  # Stopped, as by an endless loop.
        assert reason(decoder, tmp_path / "d.png", picture()) == "decoder_timed_out"
        assert reason(decoder, tmp_path / "e.png", picture()) == "png"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("<svg xmlns='x' width='120px' height='80'/>", (120, 80)),
        ("<?xml version='1.0'?><svg viewBox='0 0 300 200'><path d=''/></svg>", (300, 200)),
        ("<svg width='100%' viewBox='0,0,30,20'/>", (30, 20)),
        ("<svg/>", (0, 0)),
        ("<svg><script>alert(1)</script></svg>", "active_svg"),
        ("<svg onload='x()'/>", "active_svg"),
        ("<svg><a href='javascript:x()'/></svg>", "active_svg"),
        ("<svg><foreignObject><iframe src='x'/></foreignObject></svg>", "active_svg"),
        ("<?xml version='1.0'?><note/>", "not_an_image"),
        ('<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg width="5" height="4">&b;</svg>', (5, 4)),
    ],
)
def test_svg_is_read_as_text_and_active_content_is_refused(decoder, tmp_path, body, outcome):
    path = tmp_path / "x.svg"
    path.write_text(body, encoding="utf-8")
    found = decoder.info(path)
    assert (found.reason if isinstance(found, RejectedImage) else (found.width, found.height)) == outcome


def test_fuzz_finds_time_outs_and_odd_files_are_all_answered(decoder, published_data):
    files = sorted(path for path in (published_data / "bad-images").rglob("*") if path.is_file())
    answers = {path.name: decoder.info(path) for path in files}
    assert len(files) > 120
    refused = [found.reason for found in answers.values() if isinstance(found, RejectedImage)]
    assert set(refused) <= {"not_an_image", "damaged", "too_many_pixels", "too_many_frames", "too_much_memory"}
    assert answers["decompression_bomb.gif"].reason == "too_many_pixels"
    assert answers["broken_data_stream.png"].reason == "damaged"


def test_odd_files_are_copied_as_pictures_or_not_at_all(decoder, published_data):
    files = sorted(path for path in (published_data / "bad-images").rglob("*") if path.is_file())
    copies = [copy for copy in map(decoder.small_copy, files) if copy]
    assert 20 < len(copies) < len(files)
    for copy in copies:
        with Image.open(io.BytesIO(copy)) as image:
            assert (image.format, image.mode, getattr(image, "n_frames", 1)) == ("WEBP", "RGB", 1)
            assert max(image.size) <= 96


def test_thumbnails_are_small_and_an_svg_has_none(decoder, tmp_path):
    (tmp_path / "x.png").write_bytes(picture(2000, 1000))
    small = decoder.small_copy(tmp_path / "x.png")
    assert len(small) < 4000
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (96, 48)
    (tmp_path / "x.svg").write_text("<svg width='5' height='5'/>", encoding="utf-8")
    assert decoder.small_copy(tmp_path / "x.svg") is None


def test_the_decoding_process_sees_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_SECRET_OF_THE_PRODUCT", "x")
    with Decoder() as decoder:
        reason(decoder, tmp_path / "a.png", picture())
        with open(f"/proc/{decoder._process.pid}/environ", encoding="utf-8") as file:  # noqa: PTH123
            assert "SECRET_OF_THE_PRODUCT" not in file.read()
