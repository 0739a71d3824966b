# torch._dynamo.backends.debugging: the type of an explanation, of which none is made.
"""What `torch._dynamo.explain` would give."""

from tapeless import _doors

ExplainOutput = _doors.kind(
    "ExplainOutput", __name__, "functions run as they are written; there is no graph to explain"
)
