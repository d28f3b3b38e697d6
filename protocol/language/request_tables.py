"""The words that tell requests apart, by language; ``protocol/language/requests.py`` reads them."""

import re
from collections.abc import Mapping
from typing import Final

import attrs

from protocol.language.phrases import (
    CANNOT_BANK,
    CANNOT_CALENDAR,
    CANNOT_CALL,
    CANNOT_CONTROL,
    CANNOT_EXCHANGE,
    CANNOT_LOCATE,
    CANNOT_MAIL,
    CANNOT_NEWS,
    CANNOT_ORDER,
    CANNOT_PLAY,
    CANNOT_TRANSLATE,
    CANNOT_VOLUME,
    CANNOT_WEATHER,
)


def words(*alternatives: str) -> re.Pattern[str]:
    """Return a pattern of words, wherever they stand."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


def start(*alternatives: str) -> re.Pattern[str]:
    """Return a pattern of how a sentence begins."""
    return re.compile(rf"^(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


@attrs.frozen
class Tables:
    """One language."""

    polite: re.Pattern[str]
    """What may stand before a request and says nothing; removed first."""
    talk: re.Pattern[str]
    """Talk, with any other words beside it."""
    questions: re.Pattern[str]
    """How general questions begin."""
    known_by_tools: re.Pattern[str]
    """Words of what only a tool knows or does."""
    work: re.Pattern[str]
    can: re.Pattern[str]
    """Words of what can be done."""
    missing: Mapping[str, re.Pattern[str]]
    """What is asked for by name and cannot be done here: sentence to pattern, the first that fits."""
    examples: Mapping[str, re.Pattern[str]]
    """What can be said instead, by what the sentence is about; the last one fits everything."""
    claims: re.Pattern[str]
    help: re.Pattern[str]
    """How one asks what can be said: a whole sentence."""


_CURRENCY: Final = (
    r"(?:dollars?|bucks|euros?|pounds?|quid|yen|yuan|rupees?|rupien|pesos?|francs?|franken|rub(?:le|el)s?|kron(?:a|or|er|en)"
    r"|zloty|bitcoins?|usd|eur|gbp|jpy|chf|cad|aud|inr|cny|sek|nok|dkk|pln)"
)
_EXCHANGE: Final = rf"{_CURRENCY} .*\b(?:in|into|to|is|are|as|for|sind|ist|zu) .*\b{_CURRENCY}"

ENGLISH: Final = Tables(
    polite=re.compile(
        r"^(?:(?:hey|hi|ok|okay|so|well|um|uh|please|now|and|computer|sayso)[, ]+"
        r"|(?:can|could|would|will) you (?:please |kindly )?"
        r"|i(?:'d| would) like (?:you )?to |i (?:want|need) you to |go ahead and )+",
        re.IGNORECASE,
    ),
    talk=re.compile(
        r"^(?:(?:hello|hi|hey|howdy|good (?:morning|evening|afternoon|night|day)|bye|goodbye|see you|thanks?"
        r"|thank you)"
        r"(?: (?:there|again|you|everyone|computer|sayso|later|so much|very much|kindly|for (?:\w+ ?){1,4}))*[!., ]*$"
        r"|(?:nice|good|great) to (?:meet|see|talk)|how(?:'s it| is it| are things) going|how (?:are"
        r"|do) you(?: do| feel|$)|how are you\b"
        r"|what's up$|you(?:'re| are) |i (?:love|like|hate|miss) you|i(?:'m| am) (?:sad|happy|bored|lonely|tired"
        r"|glad|fine)\b"
        r"|are you (?:a|an|ok|okay|sure|there|real|human|alive|happy|sad|tired|smart|married|male|female|doing)\b"
        r"|do you (?:like|love|believe|think you|feel|dream|sleep|eat)\b"
        r"|who (?:are|made|built|created|programmed) you|who do you work|where are you from|where do you (?:live"
        r"|come)|how old are you"
        r"|what(?:'s| is| are) your (?:\w+ )?(?:name|age|birthday|hobby|hobbies|job|purpose|color|colour|food"
        r"|movie|book)\b"
        r"|what do you (?:like|love|do for fun)"
        r"|(?:tell|say|give) (?:me )?(?:a |an |another |some |something |one )?(?:good |funny |fun |interesting "
        r"|random )*"
        r"(?:jokes?|story|poem|riddle|facts?|funny|interesting)|make me laugh|sing\b)",
        re.IGNORECASE,
    ),
    questions=start(
        r"why",
        r"who(?:'s| is| was| were| wrote| invented| discovered| painted| won| has| had)?",
        r"what (?:does|do|did|makes|causes|caused|happens|happened|kind|sort|is|are|was|were|would)",
        r"what's",
        r"how (?:does|do|did|is|are|was|were|old|tall|big|far|deep|high|fast|heavy|long|many|come)",
        r"where (?:is|are|was|were|does|do|did)",
        r"when (?:is|was|were|did|does|do)",
        r"which",
        r"is|are (?!you able)|was|were|does|did|do (?!a |an |one |that|the |this|not )",
        r"tell me (?:about|why|how|what|who)",
        r"explain|define|describe",
    ),
    known_by_tools=words(
        r"my|mine|me a|i|i'm|i've|our|we|us",
        r"timers?|alarms?|remind(?:er)?s?|lists?|notes?|calendars?|appointments?|meetings?|schedules?|events?",
        r"what time|time is it|the time|clock|o'clock|late is it|today|tonight|tomorrow|yesterday|the date"
        r"|day of the week"
        r"|what day|which day|what month|what year|this (?:week|month|year)|next (?:week|month|year|holiday)"
        r"|right now|current(?:ly)?"
        r"|time ?zones?|until|(?:exact|right|local|est|pst|cst|utc|gmt) (?:\w+ )?time|is it (?:morning|noon|night"
        r"|evening|afternoon|midnight)"
        r"|mon(?:day)?|tuesday|wednesday|thursday|friday|saturday|sunday|holiday|did you (?:just )?(?:say"
        r"|mention)|you just said",
        r"plus|minus|times|divided|multipl\w+|subtract\w*|percent|square root|squared|cubed|sum of|half of|split",
        r"how many|how much|convert|\d+|(?:in|into|to) (?:celsius|fahrenheit|miles|kilometers|kilometres|meters"
        r"|inches"
        r"|feet|pounds|kilos|kilograms|grams|ounces|liters|litres|cups|gallons|minutes|hours|seconds|dollars|euros)"
        r"|inch(?:es)?|(?:centi|kilo)met(?:er|re)s?|(?:table|tea)spoons?|pints?|quarts?|ounces?|conversion"
        r"|exchange|currency|math|algebra|quarters? of",
        r"weather|climate|forecast|rain\w*|snow\w*|temperature|outside|degrees|news|headlines?|score|scores"
        r"|stocks?|traffic",
        r"e-?mails?|mail|messages?|texts?|calls?|phones?|volume|music|songs?|playlists?|radio|podcasts?|video",
        r"lights?|lamps?|lock(?:ed)?|unlock(?:ed)?|doors?|garage|blinds?|shades?|curtains?|thermostat|heating"
        r"|vacuum|tv|television"
        r"|fans?|oven|switch(?:ed)?|turned|upstairs|downstairs|kitchen|bedroom|bathroom|living room|hallway|office",
        r"battery|memory|cpu|processor|disk|hard drive|uptime|computer|programs?|apps?",
        r"orders?|deliver\w*|book(?:ing|ings)?|reserv\w+|taxis?|ubers?|flights?|hotels?|restaurants?|tickets?",
        r"bank\w*|balance|accounts?|cards?|credit|bills?|pay\w*|transfer|insurance|taxes|near(?:by|est)?"
        r"|around here|directions?",
    ),
    work=start(
        r"translate|how (?:do|would|can) (?:you|i|we|one) say|what is the (?:\w+ )?word for",
        r"write|compose|summari[sz]e|rewrite|paraphrase|proofread|brainstorm|suggest|recommend|compare"
        r"|give me (?:an? )?ideas?",
    ),
    can=words(r"timers?|lists?|notes?|alarms?|remind(?:er|ers)?|stopwatch", r"wake me|get me up|(?:wake|get) up"),
    missing={
        CANNOT_TRANSLATE: words(r"translate", r"how (?:do|would|can) (?:you|i|we|one) say .+ in \w+"),
        CANNOT_WEATHER: words(
            r"weather|climate|forecast|rain(?:ing|y)?|snow(?:ing)?|sunny|umbrella", r"(?:hot|cold|warm) outside"
        ),
        CANNOT_NEWS: words(r"news|headlines?|scores?|stocks?|stock market|traffic"),
        CANNOT_CALENDAR: words(r"calendar|appointments?|meetings?|schedule"),
        CANNOT_MAIL: words(
            r"e-?mails?|inbox|(?:send|write) (?:\w+ ){0,3}(?:message|text)|messages?|text (?:mom|dad|him|her|them)"
        ),
        CANNOT_CALL: words(r"(?:make a )?(?:phone )?calls?|phone|dial|ring up"),
        CANNOT_ORDER: words(
            r"orders?|buy|deliver(?:y|ed)?|purchase|book a|book me|reserv(?:e|ation|ations)|taxi|cab|uber|lyft"
            r"|tickets?|get me a"
        ),
        CANNOT_EXCHANGE: words(r"exchange rates?|currency|currencies", _EXCHANGE),
        CANNOT_BANK: words(
            r"bank(?:ing)?|balance|(?:credit|debit|new|lost) card|credit|accounts?|bills?|pay|transfer|paycheck"
            r"|insurance|tax(?:es)?"
        ),
        CANNOT_LOCATE: words(r"navigate|directions?|where am i|route|near(?:by|est)?|around here|turn (?:left|right)"),
        CANNOT_VOLUME: words(r"volume|mute|unmute|louder|quieter|turn it (?:up|down)"),
        CANNOT_PLAY: words(r"play|music|songs?|playlists?|radio|podcasts?|album|skip"),
        CANNOT_CONTROL: words(
            r"lights?|lamps?|lock|unlock|doors?|garage|blinds?|shades?|curtains?|thermostat|heating|heater|vacuum"
            r"|tv|television"
            r"|fans?|oven|air conditioning|degrees|warmer|cooler|scene",
            r"too (?:dark|bright|cold|hot|warm)|how (?:warm|cold|hot) is it|^i'm (?:cold|hot|freezing)",
        ),
    },
    examples={
        "set an alarm for half past seven": words(r"alarms?|wake|get up"),
        "remind me in ten minutes to check the oven": words(r"remind\w*"),
        "set a timer for ten minutes": words(r"timers?|count ?down|minutes? (?:from|on|left)"),
        "add milk to the shopping list": words(r"lists?|shopping|groceries|grocery|buy|bought|to do|todo"),
        "take a note that the car needs oil": words(r"notes?|jot|write (?:this )?down|memo"),
        "what is the date today": words(r"date|day|month|year|week|tomorrow|yesterday"),
        "what time is it in Tokyo": words(r"time|clock|late|morning|noon"),
        "convert five miles to kilometers": words(
            r"convert|miles?|kilomet(?:er|re)s?|met(?:er|re)s?|inch(?:es)?|feet|pounds?|kilos?|grams?|ounces?"
            r"|cups?|lit(?:er|re)s?"
            r"|gallons?|celsius|fahrenheit|hours?|seconds?"
        ),
        "what is twelve times seven": words(
            r"plus|minus|times|divided|multipl\w+|subtract\w*|percent|square\w*|half|split|sum|calculate|how much"
        ),
        "how much memory is free": words(r"memory|cpu|processor|disk|drive|battery|uptime|computer|load"),
        "what time is it": re.compile(""),
    },
    claims=re.compile(
        r"(?:^|[.!?;,] *)(?:done|all set|consider it done|you(?:'re| are) all set"
        r"|i(?:'ve| have) (?:just |now |already |successfully )*(?:\w+ed|set|put|sent|made|begun|taken|run|shut"
        r"|got|let|told)\b(?! (?:to|by|for)\b)"
        r"|i(?:'ll| will|'m going to| am going to) (?:remind|wake|set|turn|switch|add|put|start|stop|cancel"
        r"|create|delete|remove|send"
        r"|call|order|book|play|open|close|lock|unlock|dim|note|make sure|let you know)"
        r"|(?:setting|turning|switching|adding|starting|stopping|cancell?ing|creating|deleting|removing|sending"
        r"|calling|ordering"
        r"|booking|playing|opening|closing|locking|unlocking|dimming|noting) "
        r"|(?:your|the|an?|all|this|that|it|both) ?[\w' -]{0,60}\b(?:is|are|has been|have been|was|were)(?: now"
        r"| all)?"
        r" (?:set|on|off|added|created|deleted|removed|cancell?ed|started|stopped|turned|switched|locked|unlocked"
        r"|opened|closed|sent"
        r"|ordered|booked|scheduled|saved|noted|updated|dimmed|playing)"
        r"|(?:timer|alarm|reminder|light|lights|note|item)s? (?:set|added|created|cancell?ed|turned|switched))\b",
        re.IGNORECASE,
    ),
    help=re.compile(
        r"help(?: me)?(?: out)?"
        r"|what (?:else )?can i (?:say|ask|do|tell you|ask you)(?: (?:here|now|to you|you|for))?"
        r"|what (?:else )?(?:can|do) you (?:do|understand|know how to do)(?: for me)?|how can you help(?: me)?"
        r"|what are you able to do|what are my options"
        r"|what (?:commands|sentences) (?:are there|do you (?:know|understand|have)|can i (?:say|use))"
        r"|(?:show|tell|give|list) (?:me )?(?:the |some |your |all )*(?:commands|examples|sentences)"
        r"|(?:tell me |show me )?what (?:i|you) can (?:say|ask|do)",
        re.IGNORECASE,
    ),
)

GERMAN: Final = attrs.evolve(
    ENGLISH,
    polite=re.compile(
        r"^(?:(?:hey|hallo|ok|okay|also|bitte|jetzt|und|computer|sayso)[, ]+"
        r"|(?:kannst|könntest|würdest|willst) du (?:bitte |mal |mir )*|ich (?:möchte|will"
        r"|hätte gern)[, ]+(?:dass du )?)+",
        re.IGNORECASE,
    ),
    work=start(r"übersetze?|wie sagt man|schreibe?|fasse|verfasse|empfiehl|vergleiche?"),
    can=words(r"timer|\w*listen?|notiz(?:en)?|wecker|weck\w*|erinner\w*|stoppuhr"),
    missing={
        CANNOT_TRANSLATE: words(r"übersetz\w*", r"wie sagt man"),
        CANNOT_WEATHER: words(r"wetter\w*|regnet?|regen|schneit|schnee|temperatur draußen"),
        CANNOT_NEWS: words(r"nachrichten|schlagzeilen|neuigkeiten|börse|aktien|verkehr"),
        CANNOT_CALENDAR: words(r"kalender|termine?|besprechung\w*"),
        CANNOT_MAIL: words(r"e-?mails?|mails?|nachricht|sms"),
        CANNOT_CALL: words(r"anrufen|ruf\w* .* an|telefonier\w*|wähle"),
        CANNOT_ORDER: words(r"bestell\w*|kauf\w*|buch\w*|reservier\w*|taxi|fahrkarten?|tickets?"),
        CANNOT_EXCHANGE: words(r"wechselkurse?|währung(?:en)?|umrechnungskurs", _EXCHANGE),
        CANNOT_BANK: words(r"bank|konto\w*|überweis\w*|rechnung\w*|kreditkarte"),
        CANNOT_LOCATE: words(r"navigier\w*|route|wo bin ich|in der nähe|wegbeschreibung"),
        CANNOT_VOLUME: words(r"lautstärke|lauter|leiser|stumm"),
        CANNOT_PLAY: words(r"spiele?|musik|lied\w*|radio|podcasts?"),
        CANNOT_CONTROL: words(
            r"lichte?r?|lampen?|tür\w*|schloss|garage\w*|rollläden|rollos?|jalousien?|heizung|thermostat"
            r"|staubsauger|fernseher"
            r"|ventilator|grad|wärmer|kälter|szene"
        ),
    },
    examples={
        "stell den Wecker auf halb acht": words(r"wecker|weck\w*"),
        "erinnere mich in zehn Minuten an den Ofen": words(r"erinner\w*"),
        "stelle einen Timer auf zehn Minuten": words(r"timer|countdown|minuten"),
        "setze Milch auf die Einkaufsliste": words(r"liste|einkaufsliste|einkauf\w*|kaufen"),
        "notiere dass das Auto Öl braucht": words(r"notizen?|notier\w*"),
        "welcher Tag ist heute": words(r"datum|tag|monat|jahr|woche|morgen|gestern|heute"),
        "wie spät ist es in Tokio": words(r"uhr|zeit|spät"),
        "wie viel ist zwölf mal sieben": words(r"plus|minus|mal|geteilt|prozent|wurzel|hälfte|rechne"),
        "wie spät ist es": re.compile(""),
    },
    claims=re.compile(
        r"(?:^|[.!?;,] *)(?:erledigt|fertig|gemacht|alles klar, (?:ich )?(?:habe?|stelle|schalte)"
        r"|(?:ich )?habe? (?:\S+ ){0,8}(?:gestellt|gesetzt|eingestellt|hinzugefügt|eingeschaltet|ausgeschaltet"
        r"|angemacht|ausgemacht"
        r"|gelöscht|entfernt|notiert|gestartet|gestoppt|geschickt|gesendet|bestellt|gebucht|erstellt)"
        r"|ich (?:erinnere|wecke|stelle|schalte|setze|füge|lösche|starte|stoppe|schicke|sende|bestelle|buche|mache)"
        r"|(?:der|die|das|dein|deine|alle) [\w -]{0,60}\b(?:ist|sind|wurde|wurden)(?: jetzt| nun)?"
        r" (?:an|aus|gestellt|gesetzt|eingestellt|hinzugefügt|eingeschaltet|ausgeschaltet|gelöscht|entfernt"
        r"|gestartet|gestoppt))\b",
        re.IGNORECASE,
    ),
    help=re.compile(
        r"hilfe|hilf mir(?: mal)?"
        r"|was kann ich (?:hier |jetzt |alles |denn |dir |dich |dir alles )*(?:sagen|fragen|machen|tun)"
        r"|was (?:kannst|verstehst|weißt) du(?: denn| alles| so)*(?: (?:machen|tun|für mich tun))?"
        r"|wie kannst du (?:mir )?helfen|welche möglichkeiten (?:gibt es|habe ich)"
        r"|welche (?:befehle|sätze|kommandos) (?:gibt es|kennst du|verstehst du|kann ich (?:sagen|benutzen))"
        r"|(?:zeig|zeige|sag|sage|nenn|nenne) (?:mir )?(?:die |ein paar |alle |deine )*(?:befehle|beispiele|sätze)"
        r"|(?:zeig|zeige|sag|sage) mir,? was (?:ich sagen kann|du kannst)",
        re.IGNORECASE,
    ),
)
