"""The words of the page, in English and Mandarin side by side so that none is missing."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import LanguageAccept

LANGUAGES = ("en", "zh")

PAGE = {
    "title": ("Branchline status", "Branchline 运行状态"),
    "skip": ("Skip to the calls", "跳到通话"),
    "other_language": ("中文", "English"),
    "live_now": ("Calls now", "正在通话"),
    "no_live": (
        "No call at the moment. The next one appears here by itself.",
        "当前没有通话，有新的通话会自动出现在这里。",
    ),
    "today": ("Today", "今日"),
    "calls": ("calls", "通话"),
    "answered_calls": ("answered", "接通"),
    "connect_rate": ("connect rate", "接通率"),
    "how_ended": ("How calls ended", "呼叫结果"),
    "what_came": ("What came of them", "业务结果"),
    "nothing_today": ("No calls yet today.", "今天还没有通话。"),
    "campaigns": ("Campaigns", "外呼任务"),
    "no_campaigns": (
        "No campaign yet. Import a list: branchline leads import list.csv",
        "还没有任务。先导入名单：branchline leads import list.csv",
    ),
    "done": ("done", "已完成"),
    "waiting": ("waiting", "待呼叫"),
    "blocked": ("blocked", "禁呼"),
    "start": ("Start", "启动"),
    "stop": ("Stop", "停止"),
    "requested": ("asked for", "已请求"),
    "running": ("running", "运行中"),
    "stopped": ("stopped", "已停止"),
    "finished": ("finished", "已结束"),
    "lines": ("Lines", "线路"),
    "no_lines": ("No line has reported yet.", "还没有线路上报状态。"),
    "channels_in_use": ("channels in use", "通道占用"),
    "registered": ("registered", "已注册"),
    "unregistered": ("not registered", "未注册"),
    "ready": ("ready", "就绪"),
    "down": ("down", "停用"),
    "starting": ("starting", "启动中"),
    "failed": ("failed", "故障"),
    "last_calls": ("Last calls", "最近通话"),
    "no_calls": ("No calls yet.", "还没有通话。"),
    "time": ("Time", "时间"),
    "number": ("Number", "号码"),
    "duration": ("Duration", "时长"),
    "ended": ("Call ended", "通话结束"),
    "disposition": ("How it ended", "呼叫结果"),
    "outcome": ("Outcome", "业务结果"),
    "campaign": ("Campaign", "任务"),
    "scenario": ("Scenario", "话术"),
    "language": ("Language", "语言"),
    "line": ("Line", "线路"),
    "open_call": ("Open call", "查看通话"),
    "back": ("All calls", "返回"),
    "call": ("Call", "通话"),
    "still_running": (
        "This call is still going on; its transcript grows on the first page.",
        "通话仍在进行，首页会实时显示文字。",
    ),
    "transcript": ("Transcript", "通话文字"),
    "no_transcript": ("Nothing was said.", "没有对话内容。"),
    "seek_hint": (
        "Choose a time in the transcript to hear that moment.",
        "点击文字旁的时间可跳到该处录音。",
    ),
    "recording": ("Recording", "录音"),
    "no_recording": ("There is no recording of this call.", "本次通话没有录音。"),
    "raw": ("What the line reported", "线路原始信息"),
    "raw_status": ("Status code", "状态码"),
    "raw_reason": ("Reason", "原因"),
    "raw_last_provisional": ("Last provisional status", "最后临时应答"),
    "raw_q850": ("Q.850 cause", "Q.850 原因码"),
    "raw_ended_by": ("Ended by", "挂断方"),
    "latency": ("Reply time", "应答延迟"),
    "latency_median": ("median", "中位数"),
    "latency_worst": ("longest", "最长"),
    "latency_of": ("over {n} replies", "共 {n} 次应答"),
    "us": ("Us", "我方"),
    "them": ("Them", "对方"),
    "network": ("Network", "网络"),
    "note": ("Note", "记录"),
    "dialling": ("dialling", "拨号中"),
    "ringing": ("ringing", "振铃中"),
    "talking": ("talking", "通话中"),
    "speaking": ("speaking", "说话中"),
    "interrupted": ("interrupted", "被打断"),
    "cut": ("cut off", "未说完"),
    "key_pressed": ("key {digit}", "按键 {digit}"),
    "reply_after": ("replied in {ms} ms", "{ms} 毫秒后应答"),
    "decoded_in": ("recognised in {ms} ms", "识别 {ms} 毫秒"),
    "sure": ("{percent} % sure", "置信度 {percent}%"),
    "note_picked_up": ("Answered", "已接听"),
    "note_hung_up_us": ("We hung up", "我方挂断"),
    "note_hung_up_them": ("They hung up", "对方挂断"),
    "note_hung_up_network": ("The network ended the call", "网络结束通话"),
    "note_outcome": ("Outcome", "业务结果"),
    "note_trouble": ("Trouble", "故障"),
    "connected": ("live", "实时"),
    "reconnecting": ("reconnecting", "重新连接"),
    "crowded": ("too many pages open", "打开的页面过多"),
    "loading": ("connecting", "连接中"),
    "no_database": (
        "No database yet. It is made when the daemon runs for the first time: branchline run",
        "还没有数据库。首次运行守护进程时会自动建立：branchline run",
    ),
    "needs_script": (
        "The live view needs JavaScript. The calls listed below can be opened without it.",
        "实时显示需要 JavaScript；下面的通话记录可以直接打开。",
    ),
    "error": ("That did not work", "操作未完成"),
    "not_found": ("There is nothing at this address.", "没有这个页面。"),
}

VALUES = {
    "lang.zh": ("Mandarin", "普通话"),
    "lang.en": ("English", "英语"),
    "disposition.answered": ("answered", "已接通"),
    "disposition.busy": ("busy", "占线"),
    "disposition.no_answer": ("no answer", "无人接听"),
    "disposition.rejected": ("rejected", "拒接"),
    "disposition.invalid": ("invalid number", "空号"),
    "disposition.unreachable": ("unreachable", "无法接通"),
    "disposition.network_failure": ("network failure", "网络故障"),
    "disposition.blocked": ("blocked", "被拦截"),
    "disposition.configuration": ("configuration", "配置错误"),
    "disposition.voicemail": ("voicemail", "语音信箱"),
    "disposition.announcement": ("announcement", "运营商提示音"),
    "outcome.accepted": ("accepted", "已接受"),
    "outcome.call_back": ("call back", "预约回呼"),
    "outcome.refused": ("refused", "拒绝"),
    "outcome.do_not_call": ("do not call", "不再呼叫"),
    "outcome.transfer": ("transfer to a colleague", "转人工"),
    "outcome.wrong_person": ("wrong person", "非本人"),
    "outcome.no_response": ("no response", "无应答"),
    "outcome.no_decision": ("no decision", "未决定"),
    "outcome.not_eligible": ("not eligible", "不符合条件"),
    "outcome.not_understood": ("not understood", "未能理解"),
    "outcome.third_party": ("someone else answered", "他人接听"),
    "outcome.voicemail": ("voicemail", "语音信箱"),
    "outcome.announcement": ("announcement", "运营商提示音"),
    "outcome.hung_up": ("hung up", "中途挂断"),
    "outcome.interrupted": ("interrupted by a restart", "因重启中断"),
    "effect.do_not_call": ("On the do-not-call list", "已加入禁呼名单"),
    "effect.call_back": ("Call-back noted", "已登记回呼"),
    "effect.transfer_request": ("Colleague asked for", "已登记转人工"),
    "layer.keypad": ("keypad", "按键"),
    "layer.pattern": ("pattern", "规则"),
    "layer.model": ("model", "模型"),
    "layer.silence": ("silence", "静默"),
    "layer.fallback": ("fallback", "兜底"),
    "layer.opening": ("opening", "开场"),
}


def words(language: str) -> Mapping[str, str]:
    """All words of the page in "en" or "zh"."""
    column = LANGUAGES.index(language)
    return {key: pair[column] for key, pair in (PAGE | VALUES).items()}


def name_of(text: Mapping[str, str], group: str, value: str) -> str:
    """A stored value in words; one that has none is shown as it is, underscores opened."""
    return text.get(f"{group}.{value}", value.replace("_", " "))


def choose(asked: str | None, accepts: LanguageAccept) -> str:
    """The page's language: ?lang= if it is one of ours, else what the browser prefers."""
    if asked in LANGUAGES:
        return str(asked)
    return accepts.best_match(LANGUAGES, default="en") or "en"
