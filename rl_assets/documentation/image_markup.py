"""An image in one line of HTML, as all forms of other tools become, and what the path of an image looks like."""

import html
import re

SUFFIX = r"\.(?:png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]\S*)?"
IMAGE_FILE = re.compile(rf"[^\s{{}}]+{SUFFIX}", re.IGNORECASE)
IMAGE_PATH = re.compile(rf"[^\n<>]+{SUFFIX}", re.IGNORECASE)


def image_tag(source: str, alt: str, title: str = "", caption: str = "", link: str = "") -> str:
    """The image, in the link that it has; its caption, in markdown, follows as `<x-caption>`."""
    names = {"src": source, "alt": alt, "title": title}
    attributes = "".join(f' {name}="{html.escape(value)}"' for name, value in names.items() if value)
    image = f"<img{attributes}>"
    linked = f'<a href="{html.escape(link)}">{image}</a>' if link else image
    return f"{linked}<x-caption>{caption}</x-caption>" if caption else linked
