"""The plates of the United States: name, slogans, syntaxes and colours by state. Pure tables.

Syntaxes are in the pattern language of training.layouts and training.serial: D is a digit, L a letter, V one that is
like no digit, X any character; most states give out no I, O, Q. Colours are (upper ground,
lower ground, ink), BGR.
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]

_W: Colour = (238, 240, 240)
_NAVY: Colour = (90, 40, 20)
_BLUE: Colour = (140, 60, 20)
_SKY: Colour = (235, 200, 150)
_RED: Colour = (40, 30, 170)
_GREEN: Colour = (50, 90, 20)
_BLACK: Colour = (25, 22, 22)
_GOLD: Colour = (50, 180, 240)
_PEACH: Colour = (170, 200, 240)
_PALE: Colour = (205, 225, 225)
_LEAF: Colour = (150, 200, 160)
_DUSK: Colour = (190, 150, 190)


@dataclass(frozen=True, slots=True)
class State:
    """One state's usual passenger plate and some of its others."""

    name: str
    slogans: tuple[str, ...]
    syntaxes: tuple[str, ...]
    colours: tuple[tuple[Colour, Colour, Colour], ...]


STATES: dict[str, State] = {
    "AL": State(
        "Alabama",
        ("Heart of Dixie", "God Bless America"),
        ("DDVVDDD", "DVDDDDD", "DXXDDXX"),
        ((_SKY, _W, _BLACK), (_W, _W, _NAVY)),
    ),
    "AK": State("ALASKA", ("The Last Frontier",), ("LLL DDD",), ((_GOLD, _GOLD, _BLUE), (_SKY, _W, _BLACK))),
    "AZ": State(
        "ARIZONA",
        ("GRAND CANYON STATE",),
        ("VVVDDDD", "VXX XXX", "DDD-VVV"),
        ((_DUSK, _PEACH, _GREEN), (_DUSK, _PEACH, _NAVY)),
    ),
    "AR": State(
        "Arkansas", ("The Natural State",), ("LLL DDL", "DDD LLL", "DDD-LLL"), ((_W, _LEAF, _BLACK), (_W, _SKY, _RED))
    ),
    "CA": State(
        "California",
        ("dmv.ca.gov", "The Golden State", ""),
        ("DVLVDDD", "DV DDDDD"),
        ((_W, _W, _NAVY), (_W, _W, _BLUE), (_BLACK, _BLACK, _GOLD)),
    ),
    "CO": State(
        "COLORADO", ("",), ("LLL-DDD", "LLL-LDD", "DDD-LLL"), ((_W, (120, 150, 120), _GREEN), ((70, 90, 40), _W, _W))
    ),
    "CT": State(
        "Connecticut",
        ("Constitution State",),
        ("VV-DDDDD", "DDD-VVV", "DVVVVD"),
        ((_SKY, _W, _NAVY), ((200, 150, 90), _W, _BLACK)),
    ),
    "DE": State(
        "DELAWARE", ("THE FIRST STATE",), ("DDDDDD", "DDDDD", "VVDDDDD"), (((110, 50, 20), (110, 50, 20), _GOLD),)
    ),
    "DC": State(
        "WASHINGTON, D.C.",
        ("TAXATION WITHOUT REPRESENTATION", "Celebrate & Discover"),
        ("VV-DDDD", "VV DDDD"),
        ((_W, _W, _BLUE),),
    ),
    "FL": State(
        "FLORIDA",
        ("SUNSHINE STATE", "MyFlorida.com", "IN GOD WE TRUST"),
        ("VVV-VDD", "VDD-DVV", "VVVDDD", "VVV-VVD", "VVV*DDD"),
        ((_W, _W, _GREEN), (_W, _PALE, _GREEN)),
    ),
    "GA": State(
        "GEORGIA",
        ("Peach State", "In God We Trust"),
        ("LLLDDDD", "LLL DDDD"),
        ((_W, _PEACH, _BLACK), (_PEACH, _W, _BLUE)),
    ),
    "HI": State("HAWAII", ("ALOHA STATE",), ("LLL DDD",), ((_W, _W, _BLACK), (_DUSK, _W, _BLACK))),
    "ID": State(
        "IDAHO",
        ("Famous Potatoes", "Scenic Idaho"),
        ("DL DDDDD", "DLDDDDL", "L DDDDDD"),
        ((_W, _PEACH, _BLUE), ((130, 120, 210), _W, _NAVY)),
    ),
    "IL": State(
        "Illinois",
        ("Land of Lincoln",),
        ("VVDDDDD", "VDD DDDD", "DDD DDDD", "VV DDDDD"),
        ((_W, _SKY, _RED), (_W, _W, _RED), (_SKY, _W, _BLACK)),
    ),
    "IN": State(
        "INDIANA",
        ("Amber Waves of Grain", "In God We Trust", "Bicentennial"),
        ("DDDLLL", "DDDL", "LLL DDD", "DDLDDDD"),
        ((_SKY, _W, _BLACK), (_W, _PEACH, _BLUE)),
    ),
    "IA": State("IOWA", ("POLK", "SCOTT", "LINN"), ("LLL DDD", "DDD LLL"), ((_SKY, _W, _NAVY), (_W, _SKY, _NAVY))),
    "KS": State("KANSAS", ("",), ("DDD LLL", "LLL DDD"), ((_SKY, _PALE, _NAVY),)),
    "KY": State(
        "KENTUCKY",
        ("Unbridled Spirit", "JEFFERSON", "In God We Trust"),
        ("DDD-LLL", "DDD LLL", "LLL DDD"),
        ((_SKY, _W, _NAVY), (_W, _SKY, _BLACK)),
    ),
    "LA": State(
        "Louisiana",
        ("Sportsman's Paradise", "Bayou State"),
        ("LLL DDD", "DDD LLL", "LDDDDDD"),
        ((_W, _PEACH, _NAVY), (_W, _W, _BLUE), (_SKY, _W, _RED)),
    ),
    "ME": State(
        "MAINE", ("Vacationland",), ("DDDD VV", "DDDD*VV", "DDD VVV"), ((_W, _PALE, _GREEN), (_W, _W, _NAVY))
    ),
    "MD": State(
        "Maryland",
        ("www.maryland.gov", "War of 1812"),
        ("DVVDDDD", "VVV DDD", "DVV*DDDD"),
        ((_W, _W, _BLACK), (_W, _PEACH, _BLACK)),
    ),
    "MA": State(
        "Massachusetts",
        ("The Spirit of America",),
        ("DVVVDD", "DDDVVD", "DDD VVD", "DDVVDD", "DDDD VV"),
        ((_W, _W, _RED),),
    ),
    "MI": State(
        "MICHIGAN",
        ("PURE MICHIGAN", "GREAT LAKES STATE", "Spectacular Peninsulas"),
        ("VVV DDDD", "DVVVDD", "VVV DDD"),
        ((_W, _W, _NAVY), (_BLUE, _BLUE, _W), ((200, 150, 80), _W, _NAVY)),
    ),
    "MN": State(
        "Minnesota",
        ("10,000 lakes", "Explore"),
        ("DDD-VVV", "VVV-DDD", "VVV DDD"),
        ((_W, _SKY, _BLUE), (_SKY, (200, 160, 90), _NAVY)),
    ),
    "MS": State(
        "MISSISSIPPI",
        ("Hospitality State", "HINDS", "Birthplace of Americas Music"),
        ("LLL DDD", "LLLDDDD", "DDD LLL"),
        ((_PALE, _PEACH, _NAVY), (_W, _SKY, _BLUE)),
    ),
    "MO": State(
        "MISSOURI",
        ("SHOW-ME STATE", "Bicentennial"),
        ("VVD VDV", "DVV VDV", "VDD-DDD"),
        ((_W, _SKY, _NAVY), (_SKY, _LEAF, _BLUE)),
    ),
    "MT": State(
        "MONTANA",
        ("Treasure State", "Big Sky Country"),
        ("DD-DDDDV", "DDDDDDV", "VVV DDD"),
        ((_BLUE, _BLUE, _W), (_SKY, _W, _NAVY)),
    ),
    "NE": State(
        "NEBRASKA",
        ("The Good Life", "nebraska.gov"),
        ("DD-LDDD", "LLL DDD", "DD-DDDD"),
        ((_W, _SKY, _NAVY), (_PEACH, _W, _BLACK)),
    ),
    "NV": State(
        "NEVADA",
        ("The Silver State", "Home Means Nevada"),
        ("DDD-VDD", "VVV DDD", "DDD VVV", "DDV-DDD"),
        ((_SKY, _PEACH, _NAVY), (_DUSK, _W, _BLUE)),
    ),
    "NH": State(
        "NEW HAMPSHIRE", ("LIVE FREE OR DIE",), ("DDD DDDD", "DDD DDD"), ((_LEAF, _W, _GREEN), (_W, _LEAF, _GREEN))
    ),
    "NJ": State(
        "NEW JERSEY",
        ("Garden State",),
        ("VDD-VVV", "VVV-DDV", "VVDDDV", "VDDVVV"),
        (((110, 210, 240), _W, _BLACK), ((60, 190, 235), _PALE, _BLACK)),
    ),
    "NM": State(
        "NEW MEXICO",
        ("Land of Enchantment",),
        ("DDD LLL", "LLL DDD", "LLLLDD"),
        (((50, 200, 240), (50, 200, 240), _RED), ((190, 190, 70), (190, 190, 70), _GOLD)),
    ),
    "NY": State(
        "NEW YORK",
        ("EMPIRE STATE", "EXCELSIOR", "COMMERCIAL", "T&LC", "TRAILER"),
        ("VVV-DDDD", "VVV*DDDD", "DDDDD*VV", "tDDDDDDc", "VVV DDD", "VV-DDDDD"),
        (
            ((40, 165, 240), (40, 165, 240), _NAVY),
            (_W, _W, _NAVY),
            ((80, 40, 20), (40, 165, 240), _NAVY),
            (_W, _W, (60, 30, 20)),
        ),
    ),
    "NC": State(
        "NORTH CAROLINA",
        ("First in Flight", "First in Freedom", "In God We Trust"),
        ("VVV-DDDD", "VVV DDDD", "DDD-VVV"),
        ((_SKY, _W, _BLUE), (_W, _SKY, _RED)),
    ),
    "ND": State(
        "NORTH DAKOTA",
        ("Peace Garden State", "Legendary"),
        ("DDD LLL", "LLL DDD"),
        ((_SKY, _PEACH, _NAVY), (_DUSK, _GOLD, _BLACK)),
    ),
    "OH": State(
        "OHIO",
        ("Birthplace of Aviation", "Sunrise in Ohio", "HAMILTON"),
        ("LLL DDDD", "LLLDDDD", "DLLL DD"),
        ((_W, _PEACH, _BLUE), (_W, _W, _NAVY), (_SKY, _PEACH, _BLUE)),
    ),
    "OK": State(
        "OKLAHOMA",
        ("Native America", "Imagine That"),
        ("DDD-LLL", "LLL-DDD", "LLL DDD"),
        ((_W, _SKY, _BLACK), (_SKY, _W, _GREEN)),
    ),
    "OR": State(
        "Oregon",
        ("Pacific Wonderland", ""),
        ("DDD VVV", "VVV DDD", "DDDVVV"),
        ((_PALE, _LEAF, _NAVY), (_DUSK, _LEAF, _BLACK)),
    ),
    "PA": State(
        "PENNSYLVANIA",
        ("visitPA.com", "KEYSTONE STATE", "Let Freedom Ring"),
        ("VVV-DDDD", "VVV*DDDD", "VVV DDDD"),
        ((_BLUE, _GOLD, _NAVY), ((150, 70, 30), _W, _NAVY), (_SKY, _W, _BLUE)),
    ),
    "RI": State(
        "Rhode Island",
        ("Ocean State",),
        ("VV-DDD", "DDD-DDD", "DDDDDD", "VVDDD"),
        ((_W, _SKY, _BLUE), (_W, _W, _NAVY)),
    ),
    "SC": State(
        "SOUTH CAROLINA",
        ("While I breathe I hope", "Smiling Faces Beautiful Places", "TRAVEL2SC.COM"),
        ("VVV DDD", "DDDD VV", "DDD VVV", "VVV*DDD"),
        ((_PEACH, _SKY, _BLUE), (_W, _W, _NAVY)),
    ),
    "SD": State(
        "SOUTH DAKOTA",
        ("Great Faces Great Places",),
        ("DDV DDD", "DVV DDD", "DV DDDD"),
        ((_SKY, _W, _RED), (_PALE, _PEACH, _BLACK)),
    ),
    "TN": State(
        "TENNESSEE",
        ("The Volunteer State", "SHELBY", "tnvacation.com"),
        ("DDD-DVV", "VDD-DDV", "DDDVVD", "VVV DDD"),
        ((_W, _LEAF, _NAVY), (_LEAF, _LEAF, _BLACK), (_BLUE, _BLUE, _W)),
    ),
    "TX": State(
        "TEXAS",
        ("The Lone Star State", ""),
        ("VVV-DDDD", "VDD VVV", "DVV VDD", "VVV*DDDD", "DDD VVV"),
        ((_W, _W, _BLACK), (_SKY, _W, _NAVY)),
    ),
    "UT": State(
        "UTAH",
        ("Life Elevated", "Greatest Snow on Earth", "Centennial"),
        ("VDD DVV", "DDD VVV", "VDDDVV", "DVDDD"),
        ((_SKY, _W, _BLACK), (_W, _PEACH, _NAVY)),
    ),
    "VT": State("VERMONT", ("Green Mountain State",), ("LLL DDD", "LLLDDD", "DDDLL"), ((_GREEN, _GREEN, _W),)),
    "VA": State(
        "VIRGINIA",
        ("400th Anniversary", "Virginia is for Lovers", "1607 - 2007"),
        ("VVV-DDDD", "VVV DDDD", "VVVDDDD", "DDDDVV"),
        ((_W, _W, _NAVY), (_W, _SKY, _BLUE)),
    ),
    "WA": State(
        "WASHINGTON",
        ("Evergreen State",),
        ("DDD-VVV", "VVVDDDD", "DDDVVV", "VDDDDDV"),
        ((_W, _SKY, _NAVY), (_SKY, _W, _BLUE)),
    ),
    "WV": State(
        "West Virginia",
        ("Wild, Wonderful", "MOUNTAINEER"),
        ("DVV DDD", "DV DDDD", "DDVDDD"),
        ((_W, _GOLD, _NAVY), (_BLUE, _W, _NAVY)),
    ),
    "WI": State(
        "WISCONSIN",
        ("America's Dairyland",),
        ("DDD-VVV", "VVV-DDDD", "VVV DDDD"),
        ((_SKY, _W, _BLACK), (_W, _LEAF, _RED)),
    ),
    "WY": State(
        "WYOMING",
        ("Forever West", ""),
        ("DD-DDDDD", "D-DDDDV", "DD*DDDD", "DD DDDV"),
        ((_SKY, _W, _NAVY), (_GOLD, _W, _BLACK)),
    ),
}
