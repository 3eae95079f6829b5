"""A provider that finds an expression in every chunk, and now and then fails as real ones do."""

import itertools
import json
import re

from provider import TOO_MANY, Provider

TOO_SOON, LIMIT = {0, 3}, 600
"""Which calls, from 0 on, it finds one too many, and how many a minute its callers keep to."""
BAD = 1
"""The call that it answers with a quote that no line of the request has."""
LINE = re.compile(r"^(\d+) \| [^|]* \| [^|]* \| (.+)$", re.MULTILINE)


class Teacher(Provider):
    """Answers at once."""

    def __init__(self) -> None:
        self.calls = itertools.count()
        super().__init__()

    def answer(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        call = next(self.calls)
        if call in TOO_SOON:
            return 429, {"Retry-After-Ms": "200"}, TOO_MANY
        asked = json.loads(request)["messages"][-1]["content"]
        number, text = LINE.search(asked).groups()
        content = json.dumps({"expressions": [lesson(int(number), "nobody says this" if call == BAD else text)]})
        choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        answer = {"choices": [choice], "usage": {"prompt_tokens": 700, "completion_tokens": 80}}
        return 200, {}, json.dumps(answer).encode()

    def settings(self) -> dict[str, str]:
        """What makes a fleet ask here: several chunks an episode, some at once."""
        return {
            "LANGFLIX__LLM__PROVIDER": "openai",
            "LANGFLIX__LLM__MODEL": "teacher",
            "LANGFLIX__LLM__BASE_URL": self.url,
            "LANGFLIX__LLM__INPUT_PRICE": "0.30",
            "LANGFLIX__LLM__OUTPUT_PRICE": "2.50",
            "LANGFLIX__LLM__REQUESTS_PER_MINUTE": str(LIMIT),
            "LANGFLIX__LLM__CHUNK_SIZE": "400",
            "LANGFLIX__LLM__RETRY_BACKOFF_SECONDS": "0.1",
        }


def lesson(number: int, text: str) -> dict:
    """Teaches the first words of a line, in a scene of that line."""
    return {
        "expression": " ".join(text.split(" ")[:3]).lower(), "translation": "표현",
        "first_line": number, "last_line": number, "quote": text, "quote_translation": "한 줄",
        "scene_first_line": number, "scene_last_line": number, "scene_translations": [{"line": number, "text": "한 줄"}],
        "meaning": "what it means", "similar": ["something else"], "level": "B1", "kind": "idiom", "why": "useful",
    }  # fmt: skip
