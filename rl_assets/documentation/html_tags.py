"""Start tags in HTML as it is written: names, and attributes whose quoted values may hold ">" and other tags."""

import re

TAG = r"<([A-Za-z][\w.:-]*)(?=[\s/>]|\Z)((?:[^<>\"'=]|=\s*\"[^\"]*\"|=\s*'[^']*'|[\"'=])*)"
# Comments hold no tags.
START_TAG = re.compile(rf"<!--(?:(?!-->).)*|{TAG}", re.DOTALL)
