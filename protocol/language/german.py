"""What the server and its own tools say, in German: each English sentence of theirs and its German one.

``phrases.phrase`` looks here, for the server and for ``backends/builtin``. Tests hold the table to the sentences that
both have: none lacks a translation and none is left over.
"""

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # the server itself
    "Sorry, something went wrong.": "Entschuldigung, da ist etwas schiefgegangen.",
    "Sorry, that took too long.": "Entschuldigung, das hat zu lange gedauert.",
    "Sorry, I did not understand that.": "Entschuldigung, das habe ich nicht verstanden.",
    "Sorry, I cannot answer that now.": "Entschuldigung, das kann ich gerade nicht beantworten.",
    "All right, I will not do that.": "Gut, ich lasse es.",
    "I am not allowed to do that.": "Das darf ich nicht.",
    "Shall I do this: {title}?": "Soll ich das tun: {title}?",
    'I understood "{said}". Shall I do that?': "Ich habe „{said}“ verstanden. Soll ich das tun?",
    "Sorry, that did not work. {why}": "Entschuldigung, das hat nicht geklappt. {why}",
    'I could not do "{part}". {why}': 'Das ging nicht: "{part}". {why}',
    'I understood "{known}", but not "{unknown}". I have done nothing.': (
        'Ich habe "{known}" verstanden, aber nicht "{unknown}". Getan habe ich nichts.'
    ),
    "I have begun that already, and cannot take it back.": (
        "Das habe ich schon begonnen, ich kann es nicht zurücknehmen."
    ),
    "Sorry, I could not take that back. {why}": "Entschuldigung, das konnte ich nicht zurücknehmen. {why}",
    "There is nothing that I could take back.": "Es gibt nichts, was ich zurücknehmen könnte.",
    "I took that back.": "Das habe ich zurückgenommen.",
    "(Stopped before: {parts}.)": "(Abgebrochen vor: {parts}.)",
    "Sorry, I could not do that.": "Entschuldigung, das konnte ich nicht tun.",
    "Done.": "Erledigt.",
    "OK, I won't.": "Gut, ich lasse es.",
    "OK.": "Okay.",
    "I have not said anything yet.": "Ich habe noch nichts gesagt.",
    "You can say, for example: {examples}.": "Du kannst zum Beispiel sagen: {examples}.",
    "{first} or {last}": "{first} oder {last}",
    "The answer has {count} parts.": "Die Antwort hat {count} Teile.",
    "Sorry, Home Assistant cannot do that.": "Entschuldigung, das kann Home Assistant nicht.",
    "Sorry, that did not work in Home Assistant.": "Entschuldigung, das hat in Home Assistant nicht geklappt.",
    "It did not work for: {names}.": "Nicht geklappt hat es bei: {names}.",
    "There are several called {name}: {areas}. Which one?": "{name} gibt es mehrmals: {areas}. Was ist gemeint?",
    "You can say, for example: {example}.": "Du kannst zum Beispiel sagen: {example}.",
    "I can't translate.": "Übersetzen kann ich nicht.",
    "I can't look up the weather.": "Das Wetter kann ich nicht nachsehen.",
    "I can't look up news.": "Nachrichten kann ich nicht nachsehen.",
    "I can't see your calendar.": "Deinen Kalender sehe ich nicht.",
    "I can't read or send messages.": "Nachrichten kann ich weder lesen noch senden.",
    "I can't make calls.": "Anrufen kann ich niemanden.",
    "I can't order or book things.": "Bestellen oder buchen kann ich nichts.",
    "I can't see your accounts.": "Deine Konten sehe ich nicht.",
    "I can't find places or ways.": "Orte und Wege kann ich nicht finden.",
    "I can't change the volume.": "Die Lautstärke kann ich nicht ändern.",
    "I can't play anything.": "Abspielen kann ich nichts.",
    "I can't control that.": "Das kann ich nicht steuern.",
    # clock, sums and units
    "It is {time}.": "Es ist {time}.",
    "It is {time} in {place}.": "In {place} ist es {time}.",
    "Today is {date}.": "Heute ist {date}.",
    "In {place} it is {date}.": "In {place} ist {date}.",
    "I do not know the place {place}": "Den Ort {place} kenne ich nicht",
    "{place} has more than one time zone; say which city": "In {place} gibt es mehrere Zeitzonen; nenn mir eine Stadt",
    "That is {number}.": "Das ist {number}.",
    "That is about {number}.": "Das ist etwa {number}.",
    "{given} {unit} is {number} {target}.": "{given} {unit} ist {number} {target}.",
    "{given} {unit} is about {number} {target}.": "{given} {unit} ist etwa {number} {target}.",
    "{given} {unit} are {number} {target}.": "{given} {unit} sind {number} {target}.",
    "{given} {unit} are about {number} {target}.": "{given} {unit} sind etwa {number} {target}.",
    "I do not know the unit {name}": "Ich kenne die Einheit {name} nicht",
    "{source} measure {kind}, but {target} measure {other}": "{source} und {target} messen nicht dasselbe",
    "the calculation must have at most {most} characters, not {count}": (
        "die Rechnung darf höchstens {most} Zeichen haben, nicht {count}"
    ),
    "nothing can be divided by zero": "durch null kann man nicht teilen",
    "a negative number has no real square root": "eine negative Zahl hat keine reelle Wurzel",
    "the result is too large or is no real number": "das Ergebnis ist zu groß oder keine reelle Zahl",
    "the result has more than {most} digits": "das Ergebnis hat mehr als {most} Stellen",
    "the calculation has a sign that is not understood: {sign}": "die Rechnung hat ein unbekanntes Zeichen: {sign}",
    "the calculation cannot go on with {word!r}": "die Rechnung kann nicht mit {word!r} weitergehen",
    "a power must be at most {most}": "eine Potenz darf höchstens {most} sein",
    "a bracket is not closed": "eine Klammer ist nicht geschlossen",
    "the calculation ends too early": "die Rechnung endet zu früh",
    "the calculation has a word that is not understood: {word}": "die Rechnung hat ein unbekanntes Wort: {word}",
    "the calculation is nested more than {most} deep": "die Rechnung ist mehr als {most} tief verschachtelt",
    # timers
    "{name} timer": "Timer für {name}",
    "{duration} timer": "Timer über {duration}",
    "Timer set for {duration}.": "Der Timer läuft: {duration}.",
    "{name} timer set for {duration}.": "Der Timer für {name} läuft: {duration}.",
    "A timer must run for one second to seven days, not {seconds} seconds.": (
        "Ein Timer läuft eine Sekunde bis sieben Tage, nicht {seconds} Sekunden."
    ),
    "There are {count} timers already.": "Es gibt schon {count} Timer.",
    "There is no timer.": "Es läuft kein Timer.",
    "There is no {title}.": "Es gibt keinen {title}.",
    "There are {count}: {titles}. Which one?": "Es gibt {count}: {titles}. Welcher ist gemeint?",
    "The {title} is cancelled.": "Der {title} ist gelöscht.",
    "{count} timers are cancelled.": "{count} Timer sind gelöscht.",
    "{title}: {duration} left": "{title}: noch {duration}",
    "{title}: paused, {duration} left": "{title}: angehalten, noch {duration}",
    "For how long? Say: set a timer for ten minutes.": "Wie lange? Sag: Stell einen Timer auf zehn Minuten.",
    "The {title} is paused, with {duration} left.": "Der {title} ist angehalten. Es bleiben: {duration}.",
    "The {title} is running, with {duration} left.": "Der {title} läuft. Es bleiben: {duration}.",
    "The {title} has {duration} left now.": "Der {title} läuft jetzt noch: {duration}.",
    "The {title} has {duration} left, and may have up to seven days.": (
        "Der {title} läuft noch: {duration}. Bis zu sieben Tage sind möglich."
    ),
    "A timer is changed by one second or more.": "Ein Timer wird um mindestens eine Sekunde geändert.",
    "The {title} is now the {new}.": "Der {title} ist jetzt der {new}.",
    "Your {title} is done.": "Der {title} ist abgelaufen.",
    "It was due {duration} ago.": "Das kommt {duration} zu spät.",
    # alarms and reminders
    "For when? Say: wake me at seven.": "Für wann? Sag: Weck mich um sieben.",
    "Alarm set for {when}.": "Der Wecker ist gestellt: {when}.",
    "{name} alarm set for {when}.": "Der Wecker ist gestellt, {name}: {when}.",
    "No alarm is set.": "Es ist kein Wecker gestellt.",
    "There is no such alarm.": "So einen Wecker gibt es nicht.",
    "{count} alarms are cancelled.": "{count} Wecker sind gelöscht.",
    "The alarm for {when} is cancelled.": "Der Wecker ist gelöscht: {when}.",
    "It is {time}: {text}.": "Es ist {time}: {text}.",
    "It is {time}. Your alarm!": "Es ist {time}. Dein Wecker!",
    "Your alarm was due {duration} ago.": "Dein Wecker kommt {duration} zu spät.",
    "the alarm for {when}": "der Wecker {when}",
    "What shall I remind you of?": "Woran soll ich dich erinnern?",
    "When shall I remind you?": "Wann soll ich dich erinnern?",
    "I will remind you {when}: {text}.": "Ich erinnere dich {when}: {text}.",
    "at {when}": "{when}",
    "{text}, at {when}": "{text}, {when}",
    "There are no reminders.": "Es gibt keine Erinnerungen.",
    "There is no such reminder.": "So eine Erinnerung gibt es nicht.",
    "There are {count}: {titles}. Which reminder?": "Es gibt {count}: {titles}. Welche ist gemeint?",
    "{count} reminders are cancelled.": "{count} Erinnerungen sind gelöscht.",
    "The reminder is cancelled: {text}.": "Die Erinnerung ist gelöscht: {text}.",
    "Your reminder: {text}.": "Zur Erinnerung: {text}.",
    "It was due {duration} ago: {text}.": "Das kommt {duration} zu spät: {text}.",
    "You missed: {things}.": "Du hast verpasst: {things}.",
    "There are {count} already; cancel some first.": "Es gibt schon {count}; lösche erst welche.",
    "At what time?": "Um wie viel Uhr?",
    "That is too far away.": "Das ist zu lange hin.",
    "That time is over, or there is no such day.": "Diese Zeit ist vorbei, oder den Tag gibt es nicht.",
    "I do not understand the time {when}.": "Die Zeit {when} verstehe ich nicht.",
    # days and the stopwatch
    "That is {date}.": "Das ist {date}.",
    "{day} is {date}.": "{day} ist {date}.",
    "That is today.": "Das ist heute.",
    "{count} until {day}.": "{count} bis {day}.",
    "{day} was {count} ago.": "{day} war vor {count}.",
    "It is {duration} until {when}.": "Es dauert noch {duration}: {when}.",
    "I do not know the day {day}.": "Den Tag {day} kenne ich nicht.",
    "The stopwatch is running already: {duration}.": "Die Stoppuhr läuft schon: {duration}.",
    "The stopwatch is running.": "Die Stoppuhr läuft.",
    "The stopwatch goes on at {duration}.": "Die Stoppuhr läuft weiter: {duration}.",
    "The stopwatch is not running.": "Die Stoppuhr läuft nicht.",
    "The stopwatch is stopped at {duration}.": "Die Stoppuhr steht: {duration}.",
    "This lap: {lap}. Together: {duration}.": "Diese Runde: {lap}. Zusammen: {duration}.",
    "The stopwatch stands at {duration}.": "Die Stoppuhr steht: {duration}.",
    "{duration} so far.": "{duration} bis jetzt.",
    "The stopwatch is at zero.": "Die Stoppuhr steht auf null.",
    # what is kept
    "That cannot be kept now.": "Das lässt sich gerade nicht speichern.",
    "That is undone.": "Das ist rückgängig gemacht.",
    "That cannot be undone any more.": "Das lässt sich nicht mehr rückgängig machen.",
    "That has changed since, and cannot be undone.": (
        "Das hat sich inzwischen geändert und lässt sich nicht rückgängig machen."
    ),
    # notes and lists
    "A thing on a list may have {most} characters.": "Ein Eintrag darf {most} Zeichen haben.",
    "A note must have 1 to {most} characters, not {count}.": "Eine Notiz hat 1 bis {most} Zeichen, nicht {count}.",
    "There are {count} notes already; delete some first.": "Es gibt schon {count} Notizen; lösche erst welche.",
    "Noted: {note}": "Notiert: {note}",
    "There are no notes.": "Es gibt keine Notizen.",
    "{count}. {notes}": "{count}. {notes}",
    "{count}, the last {last} are. {notes}": "{count}, die letzten {last} sind. {notes}",
    "{count} deleted.": "{count} gelöscht.",
    "No note fits that. Say the number of a note, or the last one.": (
        "Dazu passt keine Notiz. Sag die Nummer einer Notiz, oder die letzte."
    ),
    "{count} fit that. Say the number of a note, or the last one.": (
        "Dazu passen {count}. Sag die Nummer einer Notiz, oder die letzte."
    ),
    "Deleted the note: {note}": "Gelöscht ist die Notiz: {note}",
    "{title} list": "Liste {title}",
    "There is nothing to add.": "Da ist nichts, was dazu soll.",
    "There may be {lists} lists with {items} things each, not more.": (
        "Es gibt höchstens {lists} Listen mit je {items} Einträgen."
    ),
    "Already on the {name}: {items}.": "Schon auf der {name}: {items}.",
    "Added {items} to the {name}.": "Neu auf der {name}: {items}.",
    "There are several lists: {names}. Which one?": "Es gibt mehrere Listen: {names}. Welche ist gemeint?",
    "The {name} is empty.": "Die {name} ist leer.",
    "The {name} is empty now.": "Die {name} ist jetzt leer.",
    "Not on the {name}: {items}.": "Nicht auf der {name}: {items}.",
    "Removed {items} from the {name}.": "Von der {name} ist gestrichen: {items}.",
    "{count} more": "{count} weitere",
    "On the {name}: {items}.": "Auf der {name}: {items}.",
    # what several servers share
    "That is being changed elsewhere. Please try again.": "Das wird gerade anderswo geändert. Bitte noch einmal.",
    # the machine
    "{free} of {total} gigabytes of memory are free.": "{free} von {total} Gigabyte Arbeitsspeicher sind frei.",
    "{free} of {total} gigabytes of disk space are free.": "{free} von {total} Gigabyte Speicherplatz sind frei.",
    "The processor is {percent} percent busy.": "Der Prozessor ist zu {percent} Prozent ausgelastet.",
    "The machine has been running for {duration}.": "Der Rechner läuft: {duration}.",
    "This machine has no battery.": "Dieser Rechner hat keinen Akku.",
    "The battery is at {percent} percent.": "Der Akku ist bei {percent} Prozent.",
    "The battery is at {percent} percent and charging.": "Der Akku ist bei {percent} Prozent und lädt.",
    "I may not start {name}. Allowed: {known}.": "Ich darf {name} nicht starten. Erlaubt: {known}.",
    "none": "nichts",
    "{count} programs are running already.": "Es laufen schon {count} Programme.",
    "{name} did not start: {reason}.": "{name} startet nicht: {reason}.",
    "Started {name}.": "{name} ist gestartet.",
    "{name} ended at once with code {code}.": "{name} endete sofort mit Code {code}.",
    "{name} is done.": "{name} ist fertig.",
}

LISTS: Final[Mapping[str, str]] = {"shopping": "Einkaufsliste", "to do": "Aufgabenliste"}
NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "timer": ("ein Timer", "Timer"),
    "alarm": ("ein Wecker", "Wecker"),
    "reminder": ("eine Erinnerung", "Erinnerungen"),
    "note": ("eine Notiz", "Notizen"),
    "day": ("ein Tag", "Tage"),
    "hour": ("eine Stunde", "Stunden"),
    "minute": ("eine Minute", "Minuten"),
    "second": ("eine Sekunde", "Sekunden"),
}
"""One of them, and the plural."""
WEEKDAYS: Final = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
MONTHS: Final = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
