"""Names of columns in lists of other people, in the languages of Europe, and which column of ours each is. Pure.

A name of ours is taken at its word; any other is a guess, which a person confirms.
"""

from __future__ import annotations

import difflib
import unicodedata

from alpr.hotlist.entries.entry_rows import COLUMNS
from alpr.hotlist.entries.vehicle_description import VEHICLE_PARTS

TABLE_COLUMNS = (*COLUMNS, *VEHICLE_PARTS, "us_state")
"""Columns that a table may have."""
_OURS = {**{column: column for column in TABLE_COLUMNS}, "colour": "vehicle_colour", "color": "vehicle_colour"}
_WORDS = {
    "plate": """
        license plate|licence plate|plate number|plate no|plates|number plate|registration|registration number|reg no
        registration mark|vrm|vrn|lpr|tag|license|licence number|license plate number|registration plate
        kennzeichen|amtliches kennzeichen|kfz kennzeichen|kfz kz|kfz|kz|nummernschild|kontrollschild|autokennzeichen
        kenteken|kentekennummer|kentekenplaat|nummerplaat
        plaque|immatriculation|plaque d immatriculation|numero d immatriculation|no immatriculation|numero de plaque
        matricula|placa|patente|numero de matricula|numero de placa|dominio|placas
        targa|numero di targa|targhe
        numer rejestracyjny|nr rejestracyjny|nr rej|tablica|tablica rejestracyjna|rejestracja
        spz|rz|registracni znacka|statni poznavaci znacka|evidencni cislo|ecv
        registreringsnummer|regnr|reg nr|registreringsskylt|nummerskilt|registreringsmerke|kjennemerke|skiltnummer
        rekisterinumero|rekisteritunnus|rekisterikilpi
        rendszam|forgalmi rendszam|numar de inmatriculare|numar inmatriculare|nr inmatriculare|nr inmatr
        plaka|plaka no|arac plakasi|registarska oznaka|tablice|registarska tablica|registrska oznaka
        госномер|гос номер|номер|номерной знак|регистрационный номер|регистрационный знак|номер автомобиля|грз
        номерний знак|держномер|регистрационен номер|рег номер|рег no
        αριθμος κυκλοφοριας|πινακιδα|αρ κυκλοφοριας
    """,
    "reason": """
        cause|offence|offense|alert reason|hit reason|why|reason for interest
        grund|anlass|delikt|fahndungsgrund|ausschreibungsgrund|sachverhalt|tatbestand|begrundung
        reden|aanleiding|delict|motif|raison|infraction|motivo|razon|causa|delito|razao|motivazione|reato
        powod|przyczyna|duvod|orsak|anledning|skal|arsag|grunn|arsak|syy|peruste
        indok|motiv|motivul|neden|sebep|razlog|причина|основание|підстава|αιτια|λογος
    """,
    "priority": """
        prioritat|prio|prioriteit|priorite|prioridad|prioridade|priorita|priorytet|prioritet
        prioriteetti
    """,
    "region": """
        country|country code|land|nation|nationalitat|pays|pais|paese|kraj|stat|maa|orszag|tara
        ulke|страна
    """,
    "us_state": "state|plate state|license state|issuing state|registration state|lis",
    "case_reference": """
        case|case number|case no|case ref|reference|reference number|ref|file number|incident number|crime number
        aktenzeichen|az|vorgang|vorgangsnummer|geschaftszeichen|zaaknummer|dossiernummer|dossier|numero de dossier
        expediente|numero de expediente|caso|processo|pratica|sygnatura|spisova znacka|arendenummer|diarienummer
        sagsnummer|saksnummer|asianumero|ugyszam|dosar|dosya no|номер дела
    """,
    "instructions": """
        instruction|action|action required|notes|note|remarks|remark|comment|comments|officer instructions
        hinweis|hinweise|massnahme|massnahmen|bemerkung|bemerkungen|anmerkung|anweisung|vorgehen
        opmerking|opmerkingen|instructie|actie|consigne|consignes|conduite a tenir|remarque|remarques|observations
        instrucciones|observaciones|medidas|instrucoes|observacoes|istruzioni|osservazioni|provvedimento
        uwagi|instrukcje|poznamka|poznamky|pokyny|anmarkning|instruktion|bemaerkninger|merknad|ohje|huomautus
        megjegyzes|utasitas|observatii|talimat|aciklama|примечание|указания|примітка
    """,
    "valid_from": """
        from|from date|start|start date|effective date|effective|begin|valid since
        gultig ab|gultig von|von|ab|beginn|ab datum|geldig vanaf|vanaf|valable du|date de debut|debut|du
        desde|valido desde|fecha inicio|inicio|valido dal|dal|data inizio|wazne od|od|platnost od|giltig fran|fran
        gyldig fra|fra|voimassa alkaen|ervenyes|kezdete|valabil de la|baslangic|действует с|с даты
    """,
    "valid_to": """
        until|to|to date|end|end date|expires|expiry|expiry date|expiration|expiration date
        valid until|valid till|weed date
        gultig bis|bis|befristet bis|ablauf|ablaufdatum|bis datum|loschdatum|geldig tot|tot|einddatum|vervaldatum
        valable jusqu au|jusqu au|date de fin|fin|au|echeance|hasta|valido hasta|fecha fin
        vencimiento|valido ate|validade
        valido fino al|fino al|scadenza|wazne do|do|termin|platnost do|giltig till|till|gyldig til|til|voimassa asti
        ervenyesseg vege|lejarat|valabil pana la|bitis|gecerlilik|действует до|до даты
    """,
    "category": """
        kind|type of case|type|kategorie|art|deliktart|categorie|categoria|kategoria|kategori|luokka
        категория
    """,
    "code": "offence code|hit code|schlussel|code de l infraction|codigo|codice|kod",
    "vehicle": """
        vehicle description|description|car|fahrzeug|fahrzeugbeschreibung|voertuig|vehicule|vehiculo|veiculo|veicolo
        pojazd|vozidlo|fordon|koretoj|kjoretoy|ajoneuvo|jarmu|vehicul|arac|автомобиль|тс|όχημα
    """,
    "vehicle_colour": """
        farbe|kleur|couleur|color vehiculo|cor|colore|kolor|barva|farg|farve|farge|vari|szin|culoare
        renk|цвет|χρωμα
    """,
    "make": """
        manufacturer|brand|vehicle make|marke|hersteller|fabrikat|merk|marque|marca|fabricante|marka|znacka|marke bil
        marke og model|marke type|fabrikant|merkki|gyartmany|марка|μαρκα
    """,
    "model": """
        vehicle model|modell|typ|modele|modelo|modello|model pojazdu|malli|tipus|модель|μοντελο
    """,
    "year": """
        model year|year of manufacture|baujahr|bouwjaar|annee|ano|anno|rok|rocznik|arsmodell|argang
        vuosimalli|год
    """,
}  # fmt: skip
_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})


def plain_name(written: str) -> str:
    """Return a name without accents, case and punctuation, as names are compared.

    >>> plain_name(" Gültig-bis: ")
    'gultig bis'

    Args:
        written: as it heads a column.
    """
    decomposed = unicodedata.normalize("NFKD", written.casefold().translate(_FOLDED))
    kept = (char if char.isalnum() else " " for char in decomposed if not unicodedata.combining(char))
    return " ".join("".join(kept).split())


_BY_WORD = {
    plain_name(word): column
    for column, words in _WORDS.items()
    for line in words.strip().splitlines()
    for word in line.split("|")
}


def column_of_ours(written: str) -> str:
    """Return the column that bears this very name, in any case, with spaces or hyphens for underscores; "" for none.

    >>> column_of_ours("Case Reference"), column_of_ours("Colour"), column_of_ours("Kennzeichen")
    ('case_reference', 'vehicle_colour', '')

    Args:
        written: as it heads a column.
    """
    return _OURS.get(written.strip().lower().replace(" ", "_").replace("-", "_"), "")


def column_guessed(written: str) -> str:
    """Return the column that a name of another language or system most likely stands for; "" for none.

    >>> column_guessed("KFZ-Kennzeichen"), column_guessed("gültig bis"), column_guessed("Sachbearbeiter")
    ('plate', 'valid_to', '')

    Args:
        written: as it heads a column.
    """
    return _BY_WORD.get(plain_name(written), "")


def column_misspelt(written: str) -> str:
    """Return the column whose name this nearly is: a misspelt condition must not be left out unseen; "" for none.

    >>> column_misspelt("valid_too"), column_misspelt("officer")
    ('valid_to', '')

    Args:
        written: as it heads a column.
    """
    near = difflib.get_close_matches(plain_name(written).replace(" ", "_"), TABLE_COLUMNS, n=1, cutoff=0.8)
    return near[0] if near else ""
