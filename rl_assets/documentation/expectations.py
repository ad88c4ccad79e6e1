"""Expectations of image pairs and of the datasets made from documentation; counted in SQL, as the datasets' are."""

from rl_assets.datasets.expectations import ENOUGH, PROMPTS, Expectation, no_repeat, no_row
from rl_assets.documentation.confidence import MIN_CONFIDENCE
from rl_assets.documentation.prose import IMAGE_MARKUP
from rl_assets.tables.documentation import IMAGE_TYPES

IMG = f"(?i){IMAGE_MARKUP}".replace("'", "''")

IMAGE_PAIRS = (
    no_repeat("pair_ids_are_unique", "Every pair occurs once.", "pair_id"),
    no_row(
        "confidences_are_probabilities",
        "Both confidences lie in [0, 1].",
        "confidence NOT BETWEEN 0 AND 1 OR confidence_v1 NOT BETWEEN 0 AND 1",
    ),
    no_row(
        "kept_pairs_qualify",
        f"Every kept pair has a confidence of at least {MIN_CONFIDENCE}, and is neither badge nor decoration.",
        f"kept AND (confidence < {MIN_CONFIDENCE} OR image_type = 'badge' OR decoration)",
    ),
    no_row("image_types_are_known", "Every image is of a known type.", f"image_type NOT IN {IMAGE_TYPES}"),
    no_row(
        "paths_stay_inside", "Every path lies in the source's folder.", r"regexp_matches(path, '^/|(^|/)\.\.(/|$)')"
    ),
    Expectation(
        "images_are_kept_once",
        "Of the occurrences of one image at most one is kept.",
        "count(*) FILTER (kept) - count(DISTINCT sha256) FILTER (kept)",
        high=0,
        bad_row="kept AND sha256 IN (SELECT sha256 FROM noted WHERE kept GROUP BY ALL HAVING count(*) > 1)",
        notes={"kept": "kept", "sha256": "sha256"},
    ),
    Expectation(
        "at_least_10_pairs",
        "At least 10 pairs are kept.",
        "count(*) FILTER (kept)",
        10,
        blocking=False,
        notes={"kept": "kept"},
    ),
    Expectation(
        "kept_pairs_are_confident",
        "The mean confidence of kept pairs is at least 0.8.",
        "coalesce(avg(confidence) FILTER (kept), 0)",
        0.8,
        blocking=False,
        notes={"kept": "kept", "confidence": "confidence"},
    ),
    Expectation(
        "image_types_are_diverse",
        "Kept images are of at least three types.",
        "count(DISTINCT image_type) FILTER (kept)",
        3,
        blocking=False,
        notes={"kept": "kept", "image_type": "image_type"},
    ),
)

PAGES = no_row(
    "pages_are_in_one_split",
    "Every row lies in the split of its page, so no page is in two splits.",
    "split <> page_split_of(prompt_key) OR prompt_key <> metadata.prompt_key",
)


def _multimodal(prompt: str) -> tuple[Expectation, ...]:
    """Expectations of questions about documentation; `prompt` is the SQL of everything that the model is shown."""
    shown = f"array_to_string(list_transform({prompt}, lambda message: message.content), chr(10))"
    return (
        no_repeat("questions_are_unique", "Every question occurs once.", "metadata.row_id"),
        no_row(
            "prompts_have_no_image_markup", "No prompt shows an image as markup.", f"regexp_matches({shown}, '{IMG}')"
        ),
        no_row(
            "right_images_are_offered",
            "Every right image is in the catalogue, and the catalogue is in the prompt.",
            "NOT list_has_all(catalogue, gold_images) OR len(list_distinct(catalogue)) < len(catalogue) "
            f"OR len(list_filter(catalogue, lambda path: contains({shown}, path) "
            f"OR contains(lower({shown}), lower(to_json(path))))) < len(catalogue)",
        ),
        no_row(
            "catalogues_have_four_distractors",
            "Every catalogue offers at least four wrong images.",
            "len(catalogue) - len(gold_images) < 4",
        ),
        no_row(
            "needs_image_matches_the_answer",
            "A question needs an image if, and only if, the right answer shows one.",
            "metadata.needs_image <> (len(gold_images) > 0)",
        ),
        Expectation(
            "enough_questions_need_no_image",
            "At least 20 % of the questions need no image.",
            "coalesce(avg(CAST(NOT needs_image AS INTEGER)), 1)",
            0.2,
            notes={"needs_image": "metadata.needs_image"},
        ),
        PAGES,
        ENOUGH,
    )


MULTIMODAL_SFT = (
    *_multimodal("messages[:-2]"),
    no_row(
        "answers_follow_the_contract",
        "Every answer is a JSON object of text, images and reasoning.",
        "NOT json_valid(messages[-1].content) OR messages[-1].role <> 'assistant' OR len(messages[-1].content) > 8000",
    ),
)
MULTIMODAL_GRPO = (
    *_multimodal("prompt"),
    PROMPTS,
    no_row(
        "right_answer_has_highest_reward",
        "In every group the right answer alone has the highest reward.",
        "NOT ends_with(responses[1].interaction_id, ':right') OR responses[1].reward <= responses[2].reward",
    ),
)

CONTENT = "array_to_string(list_transform({}.content, lambda part: part.type), ' ')"
MULTIMODAL_VISION = (
    no_repeat("images_are_unique", "Every image occurs once, so none is in two splits.", "metadata.sha256"),
    no_row(
        "rows_are_a_question_and_an_answer",
        "Every row is a user turn of an image and a text, and an assistant turn of a text; neither text is empty.",
        "len(messages) <> 2 OR messages[1].role <> 'user' OR messages[2].role <> 'assistant' "
        f"OR {CONTENT.format('messages[1]')} <> 'image text' OR {CONTENT.format('messages[2]')} <> 'text' "
        "OR is_blank(messages[1].content[2].text) OR is_blank(messages[2].content[1].text)",
    ),
    no_row(
        "every_row_has_one_image",
        "Every row contains one image, a WebP with bytes.",
        "len(images) <> 1 OR octet_length(images[1].bytes) < 12 "
        "OR hex(images[1].bytes[1:4]) <> '52494646' OR hex(images[1].bytes[9:12]) <> '57454250'",
    ),
    no_row(
        "texts_have_no_image_markup",
        "No text shows an image as markup.",
        f"regexp_matches(messages[1].content[2].text || messages[2].content[1].text, '{IMG}')",
    ),
    no_row("badges_are_not_trained_on", "No image is a badge.", "metadata.category = 'badge'"),
    PAGES,
    ENOUGH,
)
