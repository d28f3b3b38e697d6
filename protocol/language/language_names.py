"""The languages that Whisper hears, by their codes and names; a table only.

Each line has the code of two letters (of three where there is none), the codes of ISO 639-2 and 639-3, the English name
and, of the larger languages, the speakers' own. A blank within a name is written "_".
"""

from collections.abc import Mapping
from typing import Final

_TABLE: Final = """
    af afr afrikaans
    am amh amharic
    ar ara arb arabic العربية
    as asm assamese
    az aze azj azerbaijani
    ba bak bashkir
    be bel belarusian
    bg bul bulgarian български
    bn ben bengali bangla বাংলা
    bo bod tib tibetan
    br bre breton
    bs bos bosnian bosanski
    ca cat catalan valencian català
    cs ces cze czech čeština
    cy cym wel welsh cymraeg
    da dan danish dansk
    de deu ger german deutsch gsw
    el ell gre greek ελληνικά
    en eng english
    es spa spanish castilian español castellano
    et est ekk estonian eesti
    eu eus baq basque euskara
    fa fas per pes persian farsi فارسی
    fi fin finnish suomi
    fo fao faroese
    fr fra fre french français
    gl glg galician galego
    gu guj gujarati
    ha hau hausa
    haw hawaiian
    he heb iw hebrew עברית
    hi hin hindi हिन्दी
    hr hrv croatian hrvatski
    ht hat haitian haitian_creole
    hu hun hungarian magyar
    hy hye arm armenian հայերեն
    id ind in indonesian bahasa_indonesia
    is isl ice icelandic íslenska
    it ita italian italiano
    ja jpn japanese 日本語
    jw jv jav javanese
    ka kat geo georgian ქართული
    kk kaz kazakh
    km khm khmer
    kn kan kannada
    ko kor korean 한국어
    la lat latin
    lb ltz luxembourgish letzeburgesch
    ln lin lingala
    lo lao
    lt lit lithuanian lietuvių
    lv lav lvs latvian latviešu
    mg mlg malagasy
    mi mri mao maori
    mk mkd mac macedonian македонски
    ml mal malayalam
    mn mon mongolian
    mr mar marathi
    ms msa may zsm malay bahasa_melayu
    mt mlt maltese
    my mya bur burmese myanmar
    ne nep npi nepali
    nl nld dut dutch flemish nederlands vlaams
    nn nno nynorsk
    no nor nb nob norwegian bokmål norsk
    oc oci occitan
    pa pan panjabi punjabi
    pl pol polish polski
    ps pus pashto pushto
    pt por portuguese português
    ro ron rum mo romanian moldavian moldovan română
    ru rus russian русский
    sa san sanskrit
    sd snd sindhi
    si sin sinhala sinhalese
    sk slk slo slovak slovenčina
    sl slv slovenian slovene slovenščina
    sn sna shona
    so som somali
    sq sqi alb albanian shqip
    sr srp serbian српски
    su sun sundanese
    sv swe swedish svenska
    sw swa swh swahili kiswahili
    ta tam tamil தமிழ்
    te tel telugu
    tg tgk tajik
    th tha thai ไทย
    tk tuk turkmen
    tl tgl fil tagalog filipino
    tr tur turkish türkçe
    tt tat tatar
    uk ukr ukrainian українська
    ur urd urdu اردو
    uz uzb uzbek
    vi vie vietnamese tiếng_việt
    yi yid ji yiddish
    yo yor yoruba
    yue cantonese 粵語
    zh zho chi cmn chinese mandarin 中文 汉语 漢語
"""
CODE_OF: Final[Mapping[str, str]] = {
    name.replace("_", " "): line.split()[0] for line in _TABLE.strip().splitlines() for name in line.split()
}
"""The code that is used here, by each code and name in lower case."""
CODES: Final = frozenset(CODE_OF.values())
