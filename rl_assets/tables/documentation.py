"""The tables of documentation images. Each column's description is shown in the UI."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

IMAGE_TYPES = ("screenshot", "diagram", "chart", "illustration", "photo", "icon", "badge", "logo")

EXCLUDED = {
    "no_source": "the image names no file",
    "template": "its path is a template that only the site's generator can fill in",
    "data_uri": "it is embedded in the page itself",
    "remote": "it is on another host, and nothing is fetched",
    "outside": "its path or a link leads out of the source's folder",
    "broken": "there is no such file",
    "not_watched": "its name is no image's, or its folder is not read, so that a change would not be seen",
    "too_many_bytes": "the file is too large",
    "too_many_pixels": "the image has too many pixels",
    "too_many_frames": "the animation is too long",
    "too_much_memory": "decoding took too much memory",
    "not_an_image": "the bytes are of no supported image format",
    "damaged": "the bytes cannot be decoded",
    "active_svg": "the SVG contains scripts, or elements and attributes that are not known to be inert",
    "decoder_died": "decoding it ended the decoding process",
    "decoder_timed_out": "decoding it took too long",
}

LOCATION = (
    column("source", pa.string(), "folder below docs/; the partition"),
    column("page", pa.string(), "file below the source's folder"),
    column("line", pa.int64(), "line of the page, from 1"),
    column("position", pa.int64(), "index among the images of the page, from 0"),
)
NAMES = (
    column("src", pa.string(), "path or URL as the page writes it"),
    column("alt", pa.string(), "alternative text"),
    column("title", pa.string(), "title"),
    column("caption", pa.string(), "caption of its figure or frame"),
    column("linked", pa.bool_(), "the image is inside a link"),
    column("tag", pa.string(), "img, or the component that names it"),
    column("headings", pa.list_(pa.string()), "headings above it, outermost first"),
)

MARKDOWN_IMAGE_PAIRS = Table(
    "markdown_image_pairs",
    pa.schema(
        [
            *LOCATION,
            column("pair_id", pa.string(), "hash of source, page, position and image"),
            *NAMES,
            column("text_before", pa.string(), "the paragraph before it in its section, markup removed"),
            column("text_after", pa.string(), "the paragraph after it in its section, markup removed"),
            column("context", pa.string(), "up to two paragraphs on each side"),
            column("path", pa.string(), "the image file below the source's folder"),
            column("sha256", pa.string(), "hash of the image's bytes; equal images share it"),
            column("width", pa.int64(), "pixels; 0 if an SVG does not state it"),
            column("height", pa.int64(), "pixels; 0 if an SVG does not state it"),
            column("format", pa.string(), "png, jpeg, gif, webp, avif, bmp or svg, by the bytes"),
            column("frames", pa.int64(), "frames of an animation, else 1"),
            column("bytes", pa.int64(), "size of the file"),
            column("colours", pa.float64(), "distinct colours per pixel of a small copy"),
            column("dominant_colour", pa.float64(), "share of the small copy's most common colour"),
            column("saturation", pa.float64(), "mean of saturation times brightness of the small copy"),
            column("image_type", pa.string(), f"one of {', '.join(IMAGE_TYPES)}"),
            column("occurrences", pa.int64(), "how often the source shows this image"),
            column("decoration", pa.bool_(), "the source shows it more than five times"),
            column("confidence_v1", pa.float64(), "the simple score, in [0, 1]"),
            column("confidence", pa.float64(), "the calibrated probability that it belongs to its text"),
            column("kept", pa.bool_(), "used by datasets: confident, no badge or decoration, best of its duplicates"),
        ]
    ),
    identity=("pair_id", "sha256", "line", "alt", "title", "caption", "context", "confidence", "kept"),
    partition="source",
)

EXCLUDED_IMAGES = Table(
    "excluded_images",
    pa.schema(
        [
            *LOCATION,
            *NAMES,
            column("reason", pa.string(), "; ".join(f"{name}: {what}" for name, what in EXCLUDED.items())),
            column("detail", pa.string(), "the path, size or error behind the reason"),
        ]
    ),
    identity=("page", "position", "src", "reason"),
    partition="source",
)

TEXT_SECTIONS = Table(
    "text_sections",
    pa.schema(
        [
            column("source", pa.string(), "folder below docs/; the partition"),
            column("page", pa.string(), "file below the source's folder"),
            column("position", pa.int64(), "index among such sections of the page, from 0"),
            column("headings", pa.list_(pa.string()), "headings above it, outermost first"),
            column("text", pa.string(), "its first 1,000 characters, markup removed"),
        ]
    ),
    identity=("page", "position", "text"),
    partition="source",
)

IMAGE_SOURCES = Table(
    "image_sources",
    pa.schema(
        [
            column("source", pa.string(), "folder below docs/; the partition"),
            column("fingerprint", pa.string(), "hash of the source's files and of the settings of the parser"),
            column("pages", pa.int64(), "pages parsed"),
            column("rejected_pages", pa.list_(pa.string()), "pages that were not parsed, each with its reason"),
            column("images", pa.int64(), "images the pages show = pairs + excluded"),
            column("pairs", pa.int64(), "images whose file exists and decodes"),
            column("excluded", pa.int64(), "the others"),
        ]
    ),
    identity=("source", "fingerprint", "pages", "images", "pairs", "excluded"),
    partition="source",
)

# Not an asset: what the UI shows again of a source that has not changed.
IMAGE_AUDITS = Table(
    "image_audits",
    pa.schema(
        [
            column("source", pa.string(), "folder below docs/; the partition"),
            column("fingerprint", pa.string(), "that of the source when it was audited"),
            column("findings", pa.string(), "results of the audit, as JSON"),
            column("gallery", pa.string(), "thumbnails of kept images, as markdown"),
        ]
    ),
    identity=("source", "fingerprint", "findings"),
    partition="source",
)
