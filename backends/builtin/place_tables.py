"""The names of places and their time zones, in English and German; ``backends/builtin/places.py`` looks them up."""

from collections.abc import Mapping
from typing import Final

# cities and towns that the zone database does not name after themselves, in English and German
CITIES: Final[Mapping[str, str]] = {
    "Europe/London": (
        "manchester|liverpool|edinburgh|glasgow|leeds|bristol|cardiff|belfast|sheffield|nottingham|oxford|cambridge"
        "|brighton|aberdeen"
    ),
    "Europe/Dublin": "cork|galway|limerick",
    "Europe/Paris": "lyon|marseille|marseilles|nice|toulouse|bordeaux|lille|nantes|strasbourg|cannes|straßburg",
    "Europe/Berlin": (
        "munich|hamburg|cologne|frankfurt|stuttgart|dresden|leipzig|münchen|köln|kiel|bremen|hannover|hanover|nuremberg"
        "|nürnberg|düsseldorf|dortmund|essen|bonn|rostock|freiburg|heidelberg"
    ),
    "Europe/Vienna": "salzburg|graz|linz|innsbruck|wien",
    "Europe/Zurich": "geneva|basel|bern|genf|lausanne|lucerne|luzern|zürich",
    "Europe/Rome": (
        "milan|naples|venice|florence|turin|rom|roma|mailand|venedig|florenz|neapel|bologna|palermo|genoa|verona|pisa"
        "|milano|venezia|firenze|napoli|torino"
    ),
    "Europe/Madrid": "barcelona|seville|sevilla|granada|malaga|bilbao|palma|mallorca|majorca|ibiza|zaragoza",
    "Atlantic/Canary": "tenerife|gran canaria|lanzarote|fuerteventura|las palmas|canary islands|teneriffa|kanaren",
    "Europe/Lisbon": "porto|lisboa|lissabon|oporto|faro",
    "Europe/Amsterdam": "rotterdam|the hague|hague|utrecht|eindhoven|den haag",
    "Europe/Brussels": "antwerp|bruges|ghent|brüssel|antwerpen",
    "Europe/Luxembourg": "luxemburg",
    "Europe/Copenhagen": "kopenhagen|aarhus",
    "Europe/Stockholm": "gothenburg|malmö|göteborg",
    "Europe/Oslo": "bergen|trondheim",
    "Europe/Helsinki": "tampere|turku",
    "Europe/Tallinn": "tallin",
    "Europe/Warsaw": "krakow|cracow|warschau|krakau|gdansk|danzig|wroclaw|breslau|poznan|lodz|warszawa",
    "Europe/Prague": "prag|brno|praha",
    "Europe/Athens": "athen|thessaloniki|crete|kreta|rhodes|rhodos|corfu",
    "Europe/Bucharest": "bukarest|cluj",
    "Europe/Belgrade": "belgrad|novi sad",
    "Europe/Zagreb": "dubrovnik",
    "Europe/Moscow": "moskau|st petersburg|sankt petersburg|kazan|sochi",
    "Europe/Kyiv": "kiev|kiew|odessa|odesa|kharkiv|lviv|lemberg",
    "Asia/Yekaterinburg": "ekaterinburg",
    "Asia/Istanbul": "ankara|izmir|antalya",
    "Asia/Tokyo": "kyoto|osaka|tokio|yokohama|nagoya|sapporo|hiroshima|okinawa|fukuoka",
    "Asia/Seoul": "busan|incheon",
    "Asia/Shanghai": "beijing|shenzhen|peking|guangzhou|wuhan|chengdu|tianjin|nanjing|hangzhou|xian",
    "Asia/Hong_Kong": "hongkong",
    "Asia/Kolkata": (
        "mumbai|delhi|new delhi|bangalore|bengaluru|chennai|hyderabad|kalkutta|bombay|madras|pune|ahmedabad|jaipur|goa"
    ),
    "Asia/Dubai": "abu dhabi|sharjah",
    "Asia/Karachi": "lahore|islamabad",
    "Asia/Bangkok": "phuket|chiang mai|pattaya",
    "Asia/Ho_Chi_Minh": "hanoi|saigon|ho chi minh city|da nang",
    "Asia/Kuala_Lumpur": "penang|johor bahru",
    "Asia/Manila": "cebu|quezon city|davao",
    "Asia/Jakarta": "bandung|java",
    "Asia/Makassar": "bali|denpasar",
    "Asia/Colombo": "kandy",
    "Asia/Jerusalem": "tel aviv|haifa",
    "Asia/Riyadh": "jeddah|mecca|medina|mekka|riad",
    "Asia/Tehran": "teheran|isfahan",
    "Asia/Damascus": "aleppo|damaskus",
    "Asia/Almaty": "astana",
    "Africa/Cairo": "kairo|alexandria|luxor|giza",
    "Africa/Casablanca": "rabat|marrakesh|marrakech|fez|tangier",
    "Africa/Algiers": "algier",
    "Africa/Johannesburg": "cape town|kapstadt|durban|pretoria|soweto",
    "Africa/Nairobi": "mombasa",
    "Africa/Dar_es_Salaam": "dodoma|zanzibar|arusha",
    "Africa/Lagos": "abuja|kano|ibadan",
    "Africa/Accra": "kumasi",
    "Africa/Abidjan": "yamoussoukro",
    "America/New_York": (
        "new york city|nyc|boston|miami|philadelphia|atlanta|orlando|pittsburgh|baltimore|charlotte|cleveland|buffalo"
        "|cincinnati|jacksonville|tampa|raleigh|brooklyn|manhattan|washington dc|newark|albany|eastern time"
        "|est|edt|eastern standard time|eastern|eastern standard"
    ),
    "America/Chicago": (
        "dallas|houston|austin|san antonio|new orleans|minneapolis|nashville|memphis|milwaukee|st louis|kansas city"
        "|oklahoma city|omaha|fort worth|des moines|tulsa|little rock|madison|central time"
        "|central standard time|central|central standard"
        "|cst|cdt"
    ),
    "America/Denver": (
        "salt lake city|albuquerque|el paso|colorado springs|santa fe|cheyenne|billings|mountain|mountain time"
        "|mountain standard|mountain standard time|mst"
    ),
    "America/Phoenix": "tucson|scottsdale",
    "America/Los_Angeles": (
        "la|san francisco|seattle|san diego|portland|las vegas|sacramento|oakland|san jose|fresno|reno|spokane|tacoma"
        "|hollywood|silicon valley|palo alto|pacific time|pst|pdt"
        "|pacific standard time|pacific|pacific standard"
    ),
    "America/Anchorage": "fairbanks|alaska time|alaska standard",
    "Pacific/Honolulu": "waikiki|maui|hst|hawaii time|hawaii standard",
    "America/Toronto": "ottawa|montreal|quebec|quebec city|hamilton ontario|mississauga",
    "America/Edmonton": "calgary|banff",
    "America/Halifax": "atlantic standard time|atlantic time|atlantic",
    "America/Mexico_City": "guadalajara|mexiko stadt|puebla|acapulco",
    "America/Cancun": "playa del carmen|tulum",
    "America/Sao_Paulo": "rio de janeiro|rio|brasilia|belo horizonte|porto alegre",
    "America/Bogota": "medellin|cali|cartagena",
    "America/Guayaquil": "quito",
    "America/Lima": "cusco",
    "America/Havana": "havanna",
    "Australia/Sydney": "canberra|newcastle australia",
    "Australia/Brisbane": "gold coast|cairns",
    "Pacific/Auckland": "wellington|christchurch|queenstown|dunedin",
    "UTC": "utc|gmt|universal time|coordinated universal time|greenwich|greenwich mean time|weltzeit",
}

# countries, states and their zones; a country with several zones has one only together with a city
REGIONS: Final[Mapping[str, str]] = {
    "england|uk|united kingdom|great britain|britain|scotland|wales|northern ireland|großbritannien|schottland"
    "|vereinigtes königreich|vereinigten königreich|nordirland": "Europe/London",
    "ireland|republic of ireland|irland": "Europe/Dublin",
    "iceland|island": "Atlantic/Reykjavik",
    "france|frankreich": "Europe/Paris",
    "germany|deutschland|bavaria|bayern": "Europe/Berlin",
    "austria|österreich": "Europe/Vienna",
    "switzerland|schweiz": "Europe/Zurich",
    "italy|italien|sicily|sizilien|sardinia|tuscany|toskana": "Europe/Rome",
    "spain|spanien|mainland spain|catalonia|katalonien": "Europe/Madrid",
    "portugal|mainland portugal": "Europe/Lisbon",
    "netherlands|holland|niederlande|niederlanden": "Europe/Amsterdam",
    "belgium|belgien": "Europe/Brussels",
    "denmark|dänemark": "Europe/Copenhagen",
    "sweden|schweden": "Europe/Stockholm",
    "norway|norwegen": "Europe/Oslo",
    "finland|finnland": "Europe/Helsinki",
    "estonia|estland": "Europe/Tallinn",
    "latvia|lettland": "Europe/Riga",
    "lithuania|litauen": "Europe/Vilnius",
    "poland|polen": "Europe/Warsaw",
    "czech republic|czechia|tschechien": "Europe/Prague",
    "slovakia|slowakei": "Europe/Bratislava",
    "slovenia|slowenien": "Europe/Ljubljana",
    "hungary|ungarn": "Europe/Budapest",
    "greece|griechenland": "Europe/Athens",
    "romania|rumänien": "Europe/Bucharest",
    "bulgaria|bulgarien": "Europe/Sofia",
    "croatia|kroatien": "Europe/Zagreb",
    "serbia|serbien|kosovo": "Europe/Belgrade",
    "bosnia|bosnia and herzegovina|bosnien": "Europe/Sarajevo",
    "montenegro": "Europe/Podgorica",
    "north macedonia|macedonia|nordmazedonien": "Europe/Skopje",
    "albania|albanien": "Europe/Tirane",
    "moldova|moldau|moldawien": "Europe/Chisinau",
    "belarus|weißrussland": "Europe/Minsk",
    "ukraine": "Europe/Kyiv",
    "turkey|türkiye|türkei": "Europe/Istanbul",
    "cyprus|zypern": "Asia/Nicosia",
    "liechtenstein": "Europe/Vaduz",
    "vatican city|vatikan": "Europe/Vatican",
    "japan": "Asia/Tokyo",
    "south korea|korea|südkorea": "Asia/Seoul",
    "north korea|nordkorea": "Asia/Pyongyang",
    "china": "Asia/Shanghai",
    "taiwan": "Asia/Taipei",
    "philippines|philippinen": "Asia/Manila",
    "india|indien": "Asia/Kolkata",
    "nepal": "Asia/Kathmandu",
    "bhutan": "Asia/Thimphu",
    "bangladesh|bangladesch": "Asia/Dhaka",
    "sri lanka": "Asia/Colombo",
    "maldives|malediven": "Indian/Maldives",
    "pakistan": "Asia/Karachi",
    "afghanistan": "Asia/Kabul",
    "iran": "Asia/Tehran",
    "iraq|irak": "Asia/Baghdad",
    "saudi arabia|saudi arabien": "Asia/Riyadh",
    "qatar|katar": "Asia/Qatar",
    "united arab emirates|uae|emirates|vereinigte arabische emirate|vereinigten arabischen emiraten|emirate|emiraten": (
        "Asia/Dubai"
    ),
    "oman": "Asia/Muscat",
    "yemen|jemen": "Asia/Aden",
    "israel": "Asia/Jerusalem",
    "palestine|palästina": "Asia/Gaza",
    "jordan|jordanien": "Asia/Amman",
    "lebanon|libanon": "Asia/Beirut",
    "syria|syrien": "Asia/Damascus",
    "armenia|armenien": "Asia/Yerevan",
    "azerbaijan|aserbaidschan": "Asia/Baku",
    "uzbekistan|usbekistan": "Asia/Tashkent",
    "kyrgyzstan|kirgistan": "Asia/Bishkek",
    "tajikistan|tadschikistan": "Asia/Dushanbe",
    "turkmenistan": "Asia/Ashgabat",
    "kazakhstan|kasachstan": "Asia/Almaty",
    "thailand": "Asia/Bangkok",
    "vietnam": "Asia/Ho_Chi_Minh",
    "laos": "Asia/Vientiane",
    "cambodia|kambodscha": "Asia/Phnom_Penh",
    "myanmar|burma|birma": "Asia/Yangon",
    "malaysia": "Asia/Kuala_Lumpur",
    "singapore|singapur": "Asia/Singapore",
    "east timor|timor leste|osttimor": "Asia/Dili",
    "egypt|ägypten": "Africa/Cairo",
    "libya|libyen": "Africa/Tripoli",
    "tunisia|tunesien": "Africa/Tunis",
    "algeria|algerien": "Africa/Algiers",
    "morocco|marokko": "Africa/Casablanca",
    "mauritania|mauretanien": "Africa/Nouakchott",
    "mali": "Africa/Bamako",
    "niger": "Africa/Niamey",
    "chad|tschad": "Africa/Ndjamena",
    "sudan": "Africa/Khartoum",
    "south sudan|südsudan": "Africa/Juba",
    "ethiopia|äthiopien": "Africa/Addis_Ababa",
    "eritrea": "Africa/Asmara",
    "djibouti|dschibuti": "Africa/Djibouti",
    "somalia": "Africa/Mogadishu",
    "kenya|kenia": "Africa/Nairobi",
    "uganda": "Africa/Kampala",
    "tanzania|tansania": "Africa/Dar_es_Salaam",
    "rwanda|ruanda": "Africa/Kigali",
    "burundi": "Africa/Bujumbura",
    "senegal": "Africa/Dakar",
    "gambia": "Africa/Banjul",
    "guinea bissau": "Africa/Bissau",
    "guinea": "Africa/Conakry",
    "sierra leone": "Africa/Freetown",
    "liberia": "Africa/Monrovia",
    "ivory coast|cote divoire|elfenbeinküste": "Africa/Abidjan",
    "ghana": "Africa/Accra",
    "togo": "Africa/Lome",
    "benin": "Africa/Porto-Novo",
    "burkina faso": "Africa/Ouagadougou",
    "nigeria": "Africa/Lagos",
    "cameroon|kamerun": "Africa/Douala",
    "central african republic": "Africa/Bangui",
    "equatorial guinea": "Africa/Malabo",
    "gabon|gabun": "Africa/Libreville",
    "republic of the congo": "Africa/Brazzaville",
    "angola": "Africa/Luanda",
    "zambia|sambia": "Africa/Lusaka",
    "malawi": "Africa/Blantyre",
    "mozambique|mosambik": "Africa/Maputo",
    "zimbabwe|simbabwe": "Africa/Harare",
    "botswana": "Africa/Gaborone",
    "namibia": "Africa/Windhoek",
    "south africa|südafrika": "Africa/Johannesburg",
    "lesotho": "Africa/Maseru",
    "eswatini|swaziland": "Africa/Mbabane",
    "madagascar|madagaskar": "Indian/Antananarivo",
    "seychelles|seychellen": "Indian/Mahe",
    "comoros": "Indian/Comoro",
    "cape verde|kap verde": "Atlantic/Cape_Verde",
    "cuba|kuba": "America/Havana",
    "jamaica|jamaika": "America/Jamaica",
    "haiti": "America/Port-au-Prince",
    "dominican republic|dominikanische republik|dominikanischen republik": "America/Santo_Domingo",
    "puerto rico": "America/Puerto_Rico",
    "bahamas": "America/Nassau",
    "trinidad|tobago|trinidad and tobago": "America/Port_of_Spain",
    "honduras": "America/Tegucigalpa",
    "nicaragua": "America/Managua",
    "costa rica": "America/Costa_Rica",
    "panama": "America/Panama",
    "colombia|kolumbien": "America/Bogota",
    "venezuela": "America/Caracas",
    "guyana": "America/Guyana",
    "suriname|surinam": "America/Paramaribo",
    "french guiana": "America/Cayenne",
    "peru": "America/Lima",
    "bolivia|bolivien": "America/La_Paz",
    "paraguay": "America/Asuncion",
    "uruguay": "America/Montevideo",
    "argentina|argentinien": "America/Argentina/Buenos_Aires",
    "mainland ecuador": "America/Guayaquil",
    "mainland chile": "America/Santiago",
    "greenland|grönland": "America/Nuuk",
    "new zealand|neuseeland": "Pacific/Auckland",
    "fiji|fidschi": "Pacific/Fiji",
    "samoa": "Pacific/Apia",
    "tonga": "Pacific/Tongatapu",
    "vanuatu": "Pacific/Efate",
    "solomon islands": "Pacific/Guadalcanal",
    "tuvalu": "Pacific/Funafuti",
    # states of one zone
    "connecticut|delaware|maine|maryland|massachusetts|new hampshire|new jersey|new york|north carolina|ohio"
    "|pennsylvania|rhode island|south carolina|vermont|virginia|west virginia|new york state": "America/New_York",
    "washington state": "America/Los_Angeles",
    "alabama|arkansas|illinois|iowa|louisiana|minnesota|mississippi|missouri|oklahoma|wisconsin": "America/Chicago",
    "colorado|montana|new mexico|utah|wyoming": "America/Denver",
    "arizona": "America/Phoenix",
    "california|kalifornien": "America/Los_Angeles",
    "hawaii": "Pacific/Honolulu",
    "new south wales": "Australia/Sydney",
    "victoria": "Australia/Melbourne",
    "queensland": "Australia/Brisbane",
    "south australia": "Australia/Adelaide",
    "western australia": "Australia/Perth",
    "northern territory": "Australia/Darwin",
    "tasmania|tasmanien": "Australia/Hobart",
    "alberta": "America/Edmonton",
    "manitoba": "America/Winnipeg",
    "saskatchewan": "America/Regina",
    "new brunswick|nova scotia": "America/Halifax",
    "quebec": "America/Toronto",
    "newfoundland|neufundland": "America/St_Johns",
    # states that are nearly all in one zone, the first, and reach into another
    "florida": "America/New_York America/Chicago",
    "michigan": "America/Detroit America/New_York America/Chicago",
    "indiana": "America/Indiana/Indianapolis America/New_York America/Chicago",
    "georgia state": "America/New_York",
    "nevada": "America/Los_Angeles America/Denver",
    "texas": "America/Chicago America/Denver",
    "kansas|nebraska": "America/Chicago America/Denver",
    "alaska": "America/Anchorage America/Adak",
    "ontario": "America/Toronto America/Winnipeg",
    "british columbia": "America/Vancouver America/Edmonton",
}
# which of them is meant, or which part, has to be said
DIVIDED: Final[Mapping[str, str]] = {
    "usa|us|united states|united states of america|america|amerika|vereinigte staaten|vereinigten staaten": (
        "America/New_York America/Chicago America/Denver America/Phoenix America/Los_Angeles America/Anchorage"
        " Pacific/Honolulu America/Detroit America/Boise America/Indiana/Indianapolis America/Kentucky/Louisville"
    ),
    "canada|kanada": (
        "America/Toronto America/Vancouver America/Edmonton America/Winnipeg America/Halifax America/St_Johns"
        " America/Regina"
    ),
    "mexico|mexiko": (
        "America/Mexico_City America/Cancun America/Tijuana America/Monterrey America/Hermosillo America/Merida"
        " America/Chihuahua America/Mazatlan"
    ),
    "brazil|brasilien": (
        "America/Sao_Paulo America/Manaus America/Fortaleza America/Bahia America/Recife America/Belem"
        " America/Rio_Branco"
    ),
    "chile": "America/Santiago Pacific/Easter America/Punta_Arenas",
    "ecuador": "America/Guayaquil Pacific/Galapagos",
    "russia|russland": (
        "Europe/Moscow Europe/Kaliningrad Europe/Samara Asia/Yekaterinburg Asia/Omsk Asia/Novosibirsk Asia/Krasnoyarsk"
        " Asia/Irkutsk Asia/Yakutsk Asia/Vladivostok Asia/Magadan Asia/Kamchatka"
    ),
    "australia|australien": (
        "Australia/Sydney Australia/Melbourne Australia/Brisbane Australia/Adelaide Australia/Perth Australia/Darwin"
        " Australia/Hobart"
    ),
    "indonesia|indonesien": "Asia/Jakarta Asia/Makassar Asia/Jayapura",
    "mongolia|mongolei": "Asia/Ulaanbaatar Asia/Hovd",
    "congo|democratic republic of the congo|kongo": "Africa/Kinshasa Africa/Lubumbashi Africa/Brazzaville",
    "siberia|sibirien": "Asia/Novosibirsk Asia/Omsk Asia/Krasnoyarsk Asia/Irkutsk Asia/Yakutsk",
    "papua new guinea|papua neuguinea": "Pacific/Port_Moresby Pacific/Bougainville",
    "kiribati": "Pacific/Tarawa Pacific/Kiritimati",
    "micronesia|mikronesien": "Pacific/Chuuk Pacific/Pohnpei",
    "french polynesia": "Pacific/Tahiti Pacific/Marquesas",
    "georgia|georgien": "America/New_York Asia/Tbilisi",
    "washington": "America/New_York America/Los_Angeles",
    "kentucky": "America/New_York America/Kentucky/Louisville America/Chicago",
    "tennessee": "America/Chicago America/New_York",
    "idaho": "America/Boise America/Los_Angeles",
    "oregon": "America/Los_Angeles America/Boise",
    "north dakota|south dakota": "America/Chicago America/Denver",
    "europe|europa|asia|asien|africa|afrika|south america|südamerika|north america|nordamerika": "",
}
STATE_CODES: Final = (
    "|al=alabama|ak=alaska|az=arizona|ar=arkansas|ca=california|co=colorado|ct=connecticut|de=delaware"
    "|fl=florida|hi=hawaii|ia=iowa|il=illinois|ks=kansas|ky=kentucky|la=louisiana|ma=massachusetts|md=maryland"
    "|me=maine|mi=michigan|mn=minnesota|mo=missouri|ms=mississippi|mt=montana|ne=nebraska|nv=nevada"
    "|ny=new york|oh=ohio|ok=oklahoma|or=oregon|pa=pennsylvania|tn=tennessee|tx=texas|ut=utah|va=virginia"
    "|vt=vermont|wa=washington|wi=wisconsin|wy=wyoming|nc=north carolina|sc=south carolina|nd=north dakota"
    "|bc=british columbia|ab=alberta|on=ontario|qc=quebec|mb=manitoba|sk=saskatchewan|ns=nova scotia|nb=new brunswick"
    "|nsw=new south wales|qld=queensland|vic=victoria"
    "|sd=south dakota|nj=new jersey|nm=new mexico|nh=new hampshire|ri=rhode island|wv=west virginia"
)
"""Behind a town only: alone, most of them are words."""
ALONE: Final[Mapping[str, str]] = {"washington": "America/New_York", "oregon": "America/Los_Angeles"}
"""What is nearly always meant by a divided region's name alone."""
AREAS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
ABBREVIATED: Final = frozenset(
    {"utc", "gmt", "cet", "cest", "eet", "jst", "msk", "aest", "mez", "uk", "us", "usa", "uae", "la", "nyc", "dc"}
    | {"est", "edt", "cst", "cdt", "mst", "pst", "pdt", "hst"}
)
SMALL_WORDS: Final = frozenset({"of", "and", "the", "in", "de", "del", "es", "da", "au"})
WITH_ARTICLE: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "the": "|uk|us|usa|uae|united kingdom|united states|united states of america|united arab emirates|netherlands"
        "|philippines|bahamas|maldives|seychelles|gambia|czech republic|dominican republic|congo|canary islands"
        "|solomon islands|azores|balearic islands|faroe islands|comoros|republic of ireland|emirates"
        "|central african republic|"
    },
    "de": {
        "der": "|türkei|schweiz|ukraine|slowakei|mongolei|dominikanischen republik|elfenbeinküste|toskana|",
        "den": "|usa|niederlanden|philippinen|malediven|seychellen|vereinigten staaten|bahamas|kanaren|azoren"
        "|färöer|emiraten|vereinigten arabischen emiraten|",
        "dem": "|iran|irak|libanon|jemen|sudan|südsudan|tschad|kosovo|kongo|vatikan|",
    },
}
