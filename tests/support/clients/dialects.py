"""The format of each model API: one row for each, and the functions that the row names.

The answers of a model are the same for all APIs: a text, or calls of tools. Only what the clients need is sent.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Body: TypeAlias = dict[str, Any]
Event: TypeAlias = tuple[str, Body]
_ids = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """A call of a tool by the model. `free` means that its input is a text instead of an object."""

    tool: str
    input: Any
    free: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer of the model: a text, then calls of tools. With a `status`, it is an error of the API instead."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    status: int = 0


class Dialect(NamedTuple):
    """The format of one API."""

    asks: re.Pattern[str]  # matches the path of a request to the model
    aside: Callable[[Body], bool]  # whether a request is the client's own, and not a turn of the agent
    streams: Callable[[str, Body], bool]  # whether the client wants a stream, by path and body
    answers_aside: Callable[[str, Body], list[Event]]  # to the client's own requests; the last is the whole
    opening: Callable[[Body], str]  # the first message of the conversation, after the system prompt
    texts: Callable[[Body], list[str]]  # all texts of the conversation
    events: Callable[[Answer], list[Event]]  # the answer as a stream


def _id(kind: str) -> str:
    return f"{kind}_{next(_ids):024d}"


_SAID = ("text", "content", "thinking", "input", "output", "arguments", "parts", "functionCall", "functionResponse")
_GIVEN = ("input", "args", "response")  # objects of any form


def _flat(part: Any) -> Iterator[str]:
    """All texts in a part of a conversation, at any depth."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for each in part:
            yield from _flat(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in _GIVEN and isinstance(value, dict):
                yield from _leaves(value)
            elif name in _SAID:
                yield from _flat(value)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    else:
        yield str(value)


# --- Anthropic: the Messages API


def _messages_events(answer: Answer) -> list[Event]:
    blocks: list[tuple[Body, Body]] = []
    if answer.text:
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": answer.text}))
    for call in answer.calls:
        head = {"type": "tool_use", "id": _id("toolu"), "name": call.tool, "input": {}}
        blocks.append((head, {"type": "input_json_delta", "partial_json": json.dumps(call.input)}))
    events: list[Body] = [{"type": "message_start", "message": _message([], None)}]
    for index, (block, delta) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    reason = "tool_use" if answer.calls else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 10}})
    events.append({"type": "message_stop"})
    return [(event["type"], event) for event in events]


def _message(content: list[Body], reason: str | None) -> Body:
    return {
        "id": _id("msg"),
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 1},
    }


def _messages_aside(path: str, body: Body) -> list[Event]:
    if path.endswith("count_tokens"):
        return [("", {"input_tokens": 100})]
    if body.get("stream"):
        return _messages_events(Answer("{}"))
    return [("", _message([{"type": "text", "text": "{}"}], "end_turn"))]


MESSAGES = Dialect(
    asks=re.compile(r"/v1/messages$"),
    aside=lambda body: not body.get("tools"),
    streams=lambda path, body: bool(body.get("stream")),
    answers_aside=_messages_aside,
    opening=lambda body: "\n".join(_flat(next((m for m in body["messages"] if m["role"] == "user"), {}))),
    texts=lambda body: [*_flat(body.get("system")), *_flat(body["messages"])],
    events=_messages_events,
)


# --- OpenAI: the Responses API


def _responses_events(answer: Answer) -> list[Event]:
    items: list[Body] = []
    if answer.text:
        content = [{"type": "output_text", "text": answer.text, "annotations": []}]
        head = {"type": "message", "role": "assistant", "id": _id("msg"), "status": "completed"}
        items.append(head | {"content": content})
    for call in answer.calls:
        kind, name = ("custom_tool_call", "input") if call.free else ("function_call", "arguments")
        said = call.input if call.free else json.dumps(call.input)
        items.append({"type": kind, "id": _id("item"), "call_id": _id("call"), "name": call.tool, name: said})
    response = {"id": _id("resp"), "object": "response", "status": "completed", "output": items}
    usage = {"input_tokens": 100, "input_tokens_details": None, "output_tokens": 10, "output_tokens_details": None}
    events: list[Body] = [{"type": "response.created", "response": {"id": response["id"]}}]
    for index, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": response | {"usage": usage | {"total_tokens": 110}}})
    return [(event["type"], event) for event in events]


RESPONSES = Dialect(
    asks=re.compile(r"/responses$"),
    aside=lambda body: False,
    streams=lambda path, body: bool(body.get("stream")),
    answers_aside=lambda path, body: _responses_events(Answer("{}")),
    opening=lambda body: "\n".join(_flat([part for part in body["input"] if part.get("role") == "user"])),
    texts=lambda body: [*_flat(body.get("instructions")), *_flat(body["input"])],
    events=_responses_events,
)


# --- Google: generateContent


def _generate_events(answer: Answer) -> list[Event]:
    parts: list[Body] = [{"text": answer.text}] if answer.text else []
    parts += [{"functionCall": {"name": call.tool, "args": call.input}} for call in answer.calls]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    return [("", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini"})]


GENERATE = Dialect(
    asks=re.compile(r":streamGenerateContent$"),
    aside=lambda body: not body.get("tools"),
    streams=lambda path, body: path.endswith(":streamGenerateContent"),
    answers_aside=lambda path, body: (
        [("", {"totalTokens": 100})] if path.endswith(":countTokens") else _generate_events(Answer("{}"))
    ),
    opening=lambda body: "\n".join(_flat(body["contents"][0])),
    texts=lambda body: [*_flat(body.get("systemInstruction")), *_flat(body["contents"])],
    events=_generate_events,
)

# --- OpenAI: the Chat Completions API


def _completions_events(answer: Answer) -> list[Event]:
    calls = [
        {
            "index": index,
            "id": _id("call"),
            "type": "function",
            "function": {"name": call.tool, "arguments": json.dumps(call.input)},
        }
        for index, call in enumerate(answer.calls)
    ]
    delta = {"role": "assistant", "content": answer.text or None} | ({"tool_calls": calls} if calls else {})
    head = {"id": _id("chatcmpl"), "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    reason = "tool_calls" if calls else "stop"
    return [
        ("", head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}),
        ("", head | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage}),
    ]


def _completions_aside(path: str, body: Body) -> list[Event]:
    message = {"role": "assistant", "content": "{}"}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    head = {"id": _id("chatcmpl"), "object": "chat.completion", "created": 1, "model": "fake", "usage": usage}
    if body.get("stream"):
        return _completions_events(Answer("{}"))
    return [("", head | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})]


def _prompts(body: Body) -> list[Body]:
    """The messages of the user before the first answer of the model."""
    messages: list[Body] = body["messages"]
    answered = next((at for at, message in enumerate(messages) if message["role"] == "assistant"), len(messages))
    return [message for message in messages[:answered] if message["role"] == "user"]


COMPLETIONS = Dialect(
    asks=re.compile(r"/chat/completions$"),
    aside=lambda body: not body.get("tools"),
    streams=lambda path, body: bool(body.get("stream")),
    answers_aside=_completions_aside,
    opening=lambda body: "\n".join(_flat(_prompts(body))),
    texts=lambda body: list(_flat(body["messages"])),
    events=_completions_events,
)
