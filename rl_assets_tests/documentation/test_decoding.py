"""Image files as they come: sound ones are measured, all others are refused with a reason, and nothing stops."""

import io
import struct
import zlib

import pytest
from PIL import Image

from rl_assets.documentation import decoding
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import ImageInfo, Limits, RejectedImage, read_image_info, small_copy
from rl_assets.documentation.pages import RejectedPageError
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


def test_a_decoder_that_dies_or_hangs_costs_one_file(tmp_path, monkeypatch):
    with Decoder(Limits(seconds=0.3)) as decoder:
        assert reason(decoder, tmp_path / "a.png", picture()) == "png"
        decoder._process.kill()
        assert reason(decoder, tmp_path / "b.png", picture()) == "decoder_died"
        assert reason(decoder, tmp_path / "c.png", picture()) == "png"
        decoder._process.send_signal(19)  # Stopped, as by a disk that does not answer.
        monkeypatch.setattr(decoding, "WAITING_FACTOR", 1)
        assert reason(decoder, tmp_path / "d.png", picture()) == "decoder_timed_out"
        monkeypatch.undo()
        assert reason(decoder, tmp_path / "e.png", picture()) == "png"


NS = "xmlns='http://www.w3.org/2000/svg'"
DRAW_IO = (
    "<foreignObject requiredFeatures='x'><div xmlns='http://www.w3.org/1999/xhtml' style='color: red'>"
    "<font face='Arial'>server<br/></font></div></foreignObject>"
)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (f"<svg {NS} width='120px' height='80'/>", (120, 80)),
        (f"<?xml version='1.0'?><svg {NS} viewBox='0 0 300 200'><path d=''/></svg>", (300, 200)),
        ("<svg width='100%' viewBox='0,0,30,20'/>", (30, 20)),
        ("<svg/>", (0, 0)),
        (f"<svg {NS} width='5' height='4'>{DRAW_IO}</svg>", (5, 4)),
        (f"<svg {NS} width='5' height='4'><animate attributeName='opacity' values='0;1'/></svg>", (5, 4)),
        (f"<svg {NS} xmlns:i='http://www.inkscape.org/x' i:label='a'><i:page/><a href='https://x.org'/></svg>", (0, 0)),
        ("<?xml version='1.0'?><note/>", "not_an_image"),
        ("<svg xmlns='x'/>", "not_an_image"),
        ("<svg><br></svg>", "not_an_image"),
    ],
)
def test_svg_is_read_as_xml(tmp_path, body, outcome):
    assert svg_outcome(tmp_path, body) == outcome


@pytest.mark.parametrize(
    "body",
    [
        "<svg onload='x()'/>",
        "<svg><script>alert(1)</script></svg>",
        "<svg><rect/><p/><script>alert(1)</script></svg>",
        "<svg><rect/><br/><rect onclick='alert(1)'/></svg>",
        f"<svg {NS} xmlns:s='http://www.w3.org/2000/svg'><s:script>alert(1)</s:script></svg>",
        f"<svg {NS} xmlns:h='http://www.w3.org/1999/xhtml'><h:script>alert(1)</h:script></svg>",
        "<svg><a href='javascript:x()'/></svg>",
        "<svg><a href='java&#9;script:x()'/></svg>",
        "<svg xmlns:x='http://www.w3.org/1999/xlink'><a x:href='&#1;JavaScript:x()'/></svg>".replace("&#1;", "&#10;"),
        "<svg><use href='data:image/svg+xml;base64,AA'/></svg>",
        "<svg><a><animate attributeName='href' values='javascript:alert(1)'/></a></svg>",
        "<svg><animate attributeName='href' to='#a'/></svg>",
        "<svg><set attributeName='onmouseover' to='alert(1)'/></svg>",
        "<svg><foreignObject><iframe src='x'/></foreignObject></svg>",
        f"<svg {NS}><foreignObject><form xmlns='http://www.w3.org/1999/xhtml'/></foreignObject></svg>",
        '<!DOCTYPE svg [<!ENTITY s "&#60;script>alert(1)&#60;/script>">]><svg>&s;</svg>',
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg width="5" height="4">&b;</svg>',
        "<?xml-stylesheet href='x.xsl'?><svg/>",
        "<svg><style>a { background: url( java\\script:x() ) }</style></svg>",
        "<svg><rect srcdoc='x'/></svg>",
    ],
)
def test_active_content_is_refused_whatever_its_disguise(tmp_path, body):
    assert svg_outcome(tmp_path, body) == "active_svg"


def svg_outcome(folder, body):
    (folder / "x.svg").write_text(body, encoding="utf-8")
    found = read_image_info(folder / "x.svg", Limits())
    return found.reason if isinstance(found, RejectedImage) else (found.width, found.height)


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


def test_the_limit_of_time_is_one_of_cpu_time(tmp_path):
    with Decoder(Limits(seconds=0.1)) as decoder:
        (tmp_path / "page.md").write_text("- *a* [b](c)\n" * 20_000, encoding="utf-8")
        with pytest.raises(RejectedPageError, match="decoder_timed_out"):
            decoder.page(tmp_path / "page.md")
        assert reason(decoder, tmp_path / "e.png", picture()) == "png"


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 32)), (3, (64, 32)), (6, (32, 64)), (8, (32, 64))])
def test_an_image_has_the_size_that_browsers_show_and_its_copy_is_upright(tmp_path, orientation, size):
    """The left half of the upright image, or its upper one if it stands, is red."""
    upright = Image.new("RGB", size, "white")
    half = (size[0] // 2, size[1]) if size[0] > size[1] else (size[0], size[1] // 2)
    upright.paste((255, 0, 0), (0, 0, *half))
    stored = upright.transpose({3: 3, 6: 2, 8: 4}[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "x.jpg", exif=exif, quality=95)
    found = read_image_info(tmp_path / "x.jpg", Limits())
    assert (found.width, found.height) == size
    with Image.open(io.BytesIO(small_copy(tmp_path / "x.jpg", Limits()))) as copy:
        assert copy.size == size
        first, last = copy.getpixel((4, 4)), copy.getpixel((size[0] - 5, size[1] - 5))
    assert first[1] < 80 and last[1] > 200


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


def test_grey_with_16_bits_is_scaled_and_not_cut_off(tmp_path):
    grey = Image.new("L", (256, 100))
    for level in range(256):
        grey.paste(level, (level, 0, level + 1, 100))
    grey.convert("I").point(lambda level: level * 256).convert("I;16").save(tmp_path / "deep.png")
    grey.save(tmp_path / "flat.png")
    deep, flat = (read_image_info(tmp_path / name, Limits()) for name in ("deep.png", "flat.png"))
    assert (deep.colours, deep.dominant_colour) == pytest.approx((flat.colours, flat.dominant_colour), abs=0.01)
    with Image.open(io.BytesIO(small_copy(tmp_path / "deep.png", Limits()))) as copy:
        levels = copy.convert("L").getextrema()
    assert levels[0] < 10 and levels[1] > 245
