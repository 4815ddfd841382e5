"""The messages of worker processes."""

import io

from hypothesis import given
from hypothesis import strategies as st

from vecmill.records import Progress
from vecmill_local_runtime.workers import read_messages, send_progress


@given(st.integers(0, 200))
def test_a_message_that_a_kill_truncated_is_none(cut):
    """Complete messages arrive; a truncated one ends the stream without an error, wherever it was cut."""
    stream = io.BytesIO()
    for shard in (1, 2):
        send_progress(stream, Progress(shard, documents=3))
    content = stream.getvalue()
    first, length = content.index(b"\n") + 1, min(cut, len(content))
    complete = 2 if length == len(content) else int(length >= first)
    received = list(read_messages(io.BytesIO(content[:length])))
    assert [body.shard for _, body in received] == [1, 2][:complete]
