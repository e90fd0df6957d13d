"""Who answered: a person, or a machine speaking? Decided on phrases; unsure is a person."""

from __future__ import annotations

import re

from hw.base import Disposition

FIRST_WORDS_MS = 12_000

VOICEMAIL = re.compile(
    r"请.{0,8}留言|语音信箱|[滴嘀]声|提示音后|来电提醒|秘书(?:服务|台)"
    r"|leave (?:a|your|me a) message|after the (?:tone|beep)|voice ?mail|not available right now"
    r"|can'?t (?:come|get) to the phone|record your (?:message|name)",
    re.IGNORECASE,
)
ANNOUNCEMENT = re.compile(
    r"空号|号码不存在|已关机|已停机|暂停服务|无法接通|不在服务区|正在通话中|用户正忙|您拨打的"
    r"|number you (?:have )?dial+ed|no longer in service|switched off|is not reachable",
    re.IGNORECASE,
)


def verdict(text: str, at_ms: int) -> Disposition | None:
    """Judge what was heard `at_ms` after the answer; None means a person."""
    if at_ms > FIRST_WORDS_MS:
        return None
    if ANNOUNCEMENT.search(text):
        return Disposition.ANNOUNCEMENT
    if VOICEMAIL.search(text):
        return Disposition.VOICEMAIL
    return None
