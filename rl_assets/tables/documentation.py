"""The tables of documentation images. Each column's description is shown in the UI."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

IMAGE_TYPES = ("screenshot", "diagram", "chart", "illustration", "photo", "icon", "badge", "logo")

EXCLUDED = {
    "no_source": "the image names no file",
    "template": "its path is a template that only the site's generator can fill in",
    "data_uri": "it lies in the page itself",
    "remote": "it lies on another host, and nothing is fetched",
    "outside": "its path or a link leads out of the source's folder",
    "broken": "there is no such file",
    "too_many_bytes": "the file is too big",
    "too_many_pixels": "the picture is too big",
    "too_many_frames": "the animation is too long",
    "too_much_memory": "decoding took too much memory",
    "not_an_image": "the bytes are of no image format that is read here",
    "damaged": "the bytes cannot be decoded",
    "active_svg": "the SVG holds scripts or other active content",
    "decoder_died": "decoding it ended the decoding process",
    "decoder_timed_out": "decoding it took too long",
}
UNREAD_PAGES = ("too_many_bytes", "not_utf8", "too_many_images", "outside")

PLACE = (
    column("source", pa.string(), "folder below docs/; the partition"),
    column("page", pa.string(), "file below the source's folder"),
    column("line", pa.int64(), "line of the page, from 1"),
    column("position", pa.int64(), "place among the images of the page, from 0"),
)
NAMES = (
    column("src", pa.string(), "path or URL as the page says it"),
    column("alt", pa.string(), "alternative text"),
    column("title", pa.string(), "title"),
    column("caption", pa.string(), "caption of its figure or frame"),
    column("linked", pa.bool_(), "it stands in a link"),
    column("tag", pa.string(), "img, or the component that names it"),
    column("headings", pa.list_(pa.string()), "headings above it, the outermost first"),
)

MARKDOWN_IMAGE_PAIRS = Table(
    "markdown_image_pairs",
    pa.schema(
        [
            *PLACE,
            column("pair_id", pa.string(), "hash of source, page, position and image"),
            *NAMES,
            column("text_before", pa.string(), "the paragraph before it in its section, markup removed"),
            column("text_after", pa.string(), "the paragraph after it in its section, markup removed"),
            column("context", pa.string(), "up to two paragraphs on each side"),
            column("path", pa.string(), "the image file below the source's folder"),
            column("sha256", pa.string(), "hash of the image's bytes; equal images share it"),
            column("width", pa.int64(), "pixels; 0 where an SVG does not say"),
            column("height", pa.int64(), "pixels; 0 where an SVG does not say"),
            column("format", pa.string(), "png, jpeg, gif, webp, avif, bmp or svg, by the bytes"),
            column("frames", pa.int64(), "frames of an animation, else 1"),
            column("bytes", pa.int64(), "size of the file"),
            column("colours", pa.float64(), "distinct colours a pixel of a small copy"),
            column("flat", pa.float64(), "share of the small copy's commonest colour"),
            column("saturation", pa.float64(), "mean saturation of the small copy"),
            column("image_type", pa.string(), f"one of {', '.join(IMAGE_TYPES)}"),
            column("places", pa.int64(), "how often the source shows this image"),
            column("decoration", pa.bool_(), "the source shows it more than five times"),
            column("confidence_v1", pa.float64(), "the simple score"),
            column("confidence", pa.float64(), "the calibrated probability that it belongs to its text"),
            column(
                "kept", pa.bool_(), "confident, informative in kind, the first of its duplicates: datasets use these"
            ),
        ]
    ),
    identity=("pair_id", "sha256", "line", "alt", "title", "caption", "context", "confidence", "kept"),
    partition="source",
)

EXCLUDED_IMAGES = Table(
    "excluded_images",
    pa.schema(
        [
            *PLACE,
            *NAMES,
            column("reason", pa.string(), "; ".join(f"{name}: {what}" for name, what in EXCLUDED.items())),
            column("detail", pa.string(), "what was found"),
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
            column("position", pa.int64(), "place among such sections of the page, from 0"),
            column("headings", pa.list_(pa.string()), "headings above it, the outermost first"),
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
            column("fingerprint", pa.string(), "hash of the source's files and of how they are read"),
            column("pages", pa.int64(), "pages read"),
            column("unread_pages", pa.list_(pa.string()), "pages that were refused, each with its reason"),
            column("images", pa.int64(), "images the pages show = pairs + excluded"),
            column("pairs", pa.int64(), "images whose file is there and decodes"),
            column("excluded", pa.int64(), "the others"),
        ]
    ),
    identity=("source", "fingerprint", "pages", "images", "pairs", "excluded"),
    partition="source",
)

# Not shown as an asset: what its pages in the UI show of a source that has not changed.
IMAGE_REVIEWS = Table(
    "image_reviews",
    pa.schema(
        [
            column("source", pa.string(), "folder below docs/; the partition"),
            column("fingerprint", pa.string(), "that of the source when it was reviewed"),
            column("findings", pa.string(), "what the audit found, as JSON"),
            column("gallery", pa.string(), "thumbnails of kept images, as markdown"),
        ]
    ),
    identity=("source", "fingerprint", "findings"),
    partition="source",
)
