"""What plates of each region look like and how their texts are made: sizes, colours, syntaxes. Pure tables.

Pattern language of a syntax: `L` a letter, `D` a digit, `X` either, `V` a letter without I, O, Q, `U` one without
I and Q, `N` a digit that is not 0; a digit or a lower-case letter stands for itself; ` ` a gap, `-` a dash, `.` a
dot, `*` a seal or crest, `|` a thin upright line, `#` a Han-like character, `%` small stacked letters, both drawn and
not read, `/` the line break.
"""

from __future__ import annotations

from dataclasses import dataclass

from training.layouts_us import STATES

Colour = tuple[int, int, int]  # BGR

WHITE: Colour = (240, 242, 242)
BLACK: Colour = (24, 22, 22)
YELLOW: Colour = (40, 200, 245)
AMBER: Colour = (30, 165, 235)
BLUE: Colour = (150, 70, 20)
DARK_BLUE: Colour = (95, 40, 15)
GREEN: Colour = (70, 110, 20)
RED: Colour = (40, 30, 180)
GREY: Colour = (175, 178, 176)

DARK_ON_WHITE = (WHITE, BLACK)


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of plate."""

    size_mm: tuple[int, int]
    syntaxes: tuple[str, ...]
    colours: tuple[tuple[Colour, Colour], ...] = (DARK_ON_WHITE,)
    """(ground, ink) pairs, one is drawn."""
    band: str = ""
    """Country letters in a band at the left; "" for none."""
    right_band: bool = False
    top_band: str = ""
    """A coloured band with this text along the top, as Mercosur plates have."""
    header: tuple[str, ...] = ()
    """Small texts above the serial, one is drawn."""
    footer: tuple[str, ...] = ()
    glyph_share: float = 0.70
    """Height of the serial's characters as a share of the plate's height (of one line's share where it has two)."""
    weight: float = 1.0
    is_dated: bool = False
    """A row of small digits below the serial."""
    is_flagged: bool = False
    """A small flag with letters at the right edge."""

    @property
    def lines(self) -> int:
        """1 or 2."""
        return 2 if "/" in self.syntaxes[0] else 1


EU = (520, 110)
BIG_TWO = ((280, 200), (340, 220), (305, 205))
MOTOR = ((180, 200), (200, 200), (240, 200), (255, 165), (210, 165))


def _european(
    code: str,
    one: tuple[str, ...],
    two: tuple[str, ...],
    colours: tuple[tuple[Colour, Colour], ...] = (DARK_ON_WHITE,),
    right_band: bool = False,
) -> tuple[Layout, ...]:
    """One-line plate, car's two-line plate, motorcycle plate."""
    return (
        Layout(EU, one, colours, code, right_band, weight=2.0),
        Layout(EU, one, colours, weight=0.4),
        Layout(BIG_TWO[len(code) % 3], two, colours, code, weight=0.5),
        Layout(MOTOR[ord(code[0]) % 5], two, colours, code, weight=0.5),
    )


_UK = ((WHITE, BLACK), (YELLOW, BLACK), (BLACK, GREY))

COUNTRIES: dict[str, tuple[Layout, ...]] = {
    "DE": _european(
        "D",
        ("L*LL NDDD", "LL*LL NDD", "LLL*L NDDD", "LLL*LL ND", "L*L NDDD", "LL*L NDD", "L*LL NDDDe", "LL*LL NDh"),
        ("LLL*/LL NDD", "LL*/LL NDDD", "L*/LL NDDD", "LL*/L ND"),
    ),
    "FR": _european(
        "F", ("VV-DDD-VV", "DDD VVV DD", "DDDD VV DD"), ("VV-DDD/VV", "VV/DDD VV", "DDD VV/DD"), right_band=True
    ),
    "GB": _european(
        "GB", ("UUDD UUU", "UDDD UUU", "UUU DDDU", "UUU DD", "DDD UU"), ("UUDD/UUU", "UDDD/UUU", "UUU/DDDU"), _UK
    ),
    "ES": _european("E", ("DDDD VVV", "L-DDDD-LL", "LL-DDDD-L"), ("DDDD/VVV", "L-DDDD/LL")),
    "IT": _european("I", ("VV DDDVV", "VV*DDDVV"), ("VV/DDDVV", "VVD/DDDD", "VV DD/DDD"), right_band=True),
    "NL": _european(
        "NL",
        ("DD-VVV-D", "VV-DD-VV", "VV-DDD-V", "V-DDD-VV", "DD-VV-VV", "VVV-DD-V", "D-VVV-DD"),
        ("VV-DD/VV", "DD-VV/VV", "VV/DD-VV", "DD/VVV-D", "VV/VV-DD"),
        ((YELLOW, BLACK), (AMBER, BLACK)),
    ),
    "PL": _european(
        "PL",
        ("LL DDDDD", "LLL DDDD", "LLL VDDD", "LL DDDDV", "LLL DDVV"),
        ("LL*/DDDDD", "LLL/DDDD", "LLL/VDDD", "LL/DDDV"),
    ),
    "RO": _european("RO", ("LL DD LLL", "L DD LLL", "b DDD LLL"), ("LL DD/LLL", "b DDD/LLL")),
    "CZ": _european("CZ", ("DVD DDDD", "DVD*DDDD", "DVX DDDD", "VVV DD-DD"), ("DVD/DDDD", "DVX/DDDD", "DV/DDDD")),
    "SK": _european("SK", ("LL-DDDLL", "LL*DDDLL"), ("LL*/DDDLL", "LL/DDDLL")),
    "HU": _european("H", ("LLL-DDD", "LL LL-DDD", "LLLL-DD"), ("LLL/DDD", "LLLL/DDD")),
    "AT": _european(
        "A", ("LL*DDDVV", "L*DDDDDV", "LL*DDDDV", "L*DDDDVV", "LL*DDVVV"), ("LL*/DDDVV", "L*/DDDDV", "LL*/D VVV")
    ),
    "BE": _european(
        "B",
        ("D-VVV-DDD", "VVV-DDD", "VVVDDD", "DDD-VVV"),
        ("D-VVV/DDD", "VVV/DDD", "m-VV/DDD"),
        ((WHITE, (35, 25, 140)),),
    ),
    "CH": (
        Layout((300, 80), ("*LL.DDDDDD", "*LL.DDDDD", "*LL DDDDDD*"), glyph_share=0.66),
        Layout((300, 160), ("*LL*/DDDDDD", "LL*/DDDDD"), weight=0.7),
        Layout((180, 140), ("*LL*/DDDDD", "LL/DDDDDD"), weight=0.7),
    ),
    "PT": _european("P", ("DD-DD-LL", "DD-LL-DD", "LL-DD-LL", "LL DD LL"), ("DD-LL/DD", "LL-DD/LL")),
    "SE": _european("S", ("LLL DDD", "LLL*DDD", "LLL DDL", "LLL*DDL"), ("LLL/DDD", "LLL/DDL")),
    "NO": _european("N", ("VV DDDDD",), ("VV/DDDDD", "VV/DDDD"), (DARK_ON_WHITE, DARK_ON_WHITE, (GREEN, WHITE))),
    "DK": _european("DK", ("VV DD DDD",), ("VV/DD DDD", "VV DD/DDD"), (DARK_ON_WHITE, (YELLOW, BLACK))),
    "FI": _european("FIN", ("LLL-DDD", "LLL-DD"), ("LLL/DDD", "LL/DDD")),
    "GR": _european("GR", ("LLL-DDDD", "LLL DDDD"), ("LLL/DDDD", "LLL/DDD")),
    "BG": _european("BG", ("LL DDDD LL", "L DDDD LL"), ("LL DD/DD LL", "L/DDDD L", "LL/DDDD L")),
    "HR": _european("HR", ("LL*DDDD-L", "LL*DDD-LL", "LL*DDDD-LL"), ("LL*/DDD-LL", "LL*/DDDD-L")),
    "SI": _european(
        "SLO",
        ("LL*DD-DDD", "LL*LD-DDD", "LL*DDD-LL", "LL*LL-DDD"),
        ("LL*/LDDD", "LL*/DD-DD"),
        (DARK_ON_WHITE, (WHITE, (60, 90, 30))),
    ),
    "LT": _european("LT", ("LLL DDD", "LLL*DDD"), ("LLL/DDD", "DDD/LL")),
    "LV": _european("LV", ("LL-DDDD", "LL-DDD", "LL-DD", "LL-D"), ("LL/DDDD", "LL/DDD")),
    "EE": _european("EST", ("DDD LLL", "DDDLLL"), ("DDD/LLL", "DD/LLL")),
    "IE": _european("IRL", ("DDD-L-NDDDD", "DD-L-NDDD", "DD-LL-NDDDD", "DDD-LL-NDD"), ("DDD-L/NDDD", "DD-L/NDDDD")),
    "LU": _european("L", ("LL DDDD", "LLDDDD", "DDDDD", "DDDD"), ("LL/DDDD", "LL/DDD"), ((YELLOW, BLACK),)),
    "MT": _european("M", ("LLL DDD", "LLL*DDD"), ("LLL/DDD",)),
    "CY": _european("CY", ("LLL DDD", "LLL*DDD"), ("LLL/DDD",)),
    "TR": _european(
        "TR",
        ("DD LLL DDDD", "DD LL DDDD", "DD LLL DDD", "DD L DDDDD", "DD LL DDD", "DD LLL DD"),
        ("DD LL/DDDD", "DD/LLL DDD", "DD L/DDDDD"),
    ),
    "UA": _european("UA", ("LL DDDD LL",), ("LL DDDD/LL", "LL/DDDD LL")),
    "RS": _european("SRB", ("LL*DDD-LL", "LL*DDDD-LL"), ("LL*/DDD-LL",)),
    "BA": _european("BIH", ("LDD-L-DDD",), ("LDD-L/DDD",)),
    "AL": _european("AL", ("LL*DDDLL", "LL DDD LL"), ("LL/DDDLL",)),
    "MK": _european("NMK", ("LL*DDDD-LL", "LL*DDD-LL"), ("LL*/DDDLL",)),
    "MD": _european("MD", ("LLL DDD", "L LL DDD"), ("LLL/DDD",)),
    "BY": _european("BY", ("DDDD VV-D",), ("DDDD/VV-D",)),
    "RU": (
        Layout((520, 112), ("LDDDLL|DD", "LDDDLL|DDD", "LLDDD|DD"), is_flagged=True),
        Layout((290, 170), ("LDDD/LLDD", "LDDD/LLDDD", "DDDD/LLDD"), weight=0.5),
    ),
    "GE": _european("GE", ("LL-DDD-LL", "LLL-DDD"), ("LL/DDDLL",)),
    "KZ": (
        Layout((520, 112), ("DDDLLL|DD", "DDDLL|DD"), is_flagged=True),
        Layout((280, 200), ("DDD/LLLDD",), weight=0.4),
    ),
    "UZ": (
        Layout((520, 112), ("DD|LDDDLL", "DD|DDDLLL", "DD|L DDD LL", "DD|DDD LLL"), is_flagged=True, weight=3.0),
        Layout((290, 200), ("DD|L/DDDLL", "DD|DD/DDLL"), weight=0.4),
    ),
    "IL": (Layout((520, 110), ("DD-DDD-DD", "DDD-DD-DDD", "DD.DDD.DD"), ((YELLOW, BLACK),), "IL"),),
    "BR": (
        Layout(
            (400, 130),
            ("LLL-DDDD", "LLL.DDDD", "LLL DDDD"),
            ((GREY, BLACK), (GREY, BLACK), (RED, WHITE), (WHITE, BLACK)),
            header=(
                "SP-SAO PAULO",
                "RJ-RIO DE JANEIRO",
                "MG-BELO HORIZONTE",
                "PR-CURITIBA",
                "RS-PORTO ALEGRE",
                "BA-SALVADOR",
            ),
            glyph_share=0.52,
            weight=3.0,
        ),
        Layout(
            (400, 130),
            ("LLLDLDD", "LLL DLDD"),
            ((WHITE, BLACK), (WHITE, RED), (WHITE, BLUE)),
            top_band="BRASIL",
            glyph_share=0.52,
            weight=3.0,
        ),
        Layout(
            (187, 136),
            ("LLL/DDDD",),
            ((GREY, BLACK), (RED, WHITE)),
            header=("SP-SAO PAULO", "SC-BLUMENAU"),
            weight=1.2,
        ),
        Layout((200, 170), ("LLL/DLDD",), top_band="BRASIL", weight=1.2),
    ),
    "AR": (
        Layout((400, 130), ("LLDDDLL", "LL DDD LL"), top_band="REPUBLICA ARGENTINA", glyph_share=0.52, weight=2.0),
        Layout((294, 129), ("LLLDDD", "LLL DDD"), ((BLACK, WHITE),), header=("ARGENTINA",), glyph_share=0.52),
        Layout((200, 170), ("LDDD/LLL",), top_band="REPUBLICA ARGENTINA", weight=0.6),
    ),
    "UY": (Layout((400, 130), ("LLL DDDD",), top_band="URUGUAY", glyph_share=0.52),),
    "PY": (Layout((400, 130), ("LLLL DDD", "DDD LLLL"), top_band="PARAGUAY", glyph_share=0.52),),
    "CL": (Layout((360, 130), ("VV-VV.DD", "VV.VV.DD", "LL*DDDD"), footer=("CHILE",), glyph_share=0.55),),
    "CO": (
        Layout(
            (330, 160),
            ("LLL*DDD", "LLL DDD", "LLL-DDD"),
            ((YELLOW, BLACK),),
            footer=("BOGOTA D.C.", "MEDELLIN", "CALI"),
            glyph_share=0.5,
        ),
    ),
    "PE": (Layout((300, 150), ("LDL-DDD", "LLL-DDD"), header=("PERU",), glyph_share=0.5),),
    "MX": (
        Layout(
            (300, 150),
            ("LLL-DDD-L", "LDD-LLL", "LLL-DD-DD", "DDD-LLL"),
            ((WHITE, BLACK), (WHITE, GREEN)),
            header=("CDMX", "JALISCO", "EDO MEX", "NUEVO LEON"),
            footer=("MEXICO",),
            glyph_share=0.46,
        ),
    ),
    "CA": (
        Layout(
            (300, 150),
            ("LLLL*DDD", "LLL DDD", "LLL-DDDD", "DDD LLL", "LDD DDD"),
            ((WHITE, (120, 50, 20)), (WHITE, RED)),
            header=("ONTARIO", "QUEBEC", "ALBERTA", "BRITISH COLUMBIA"),
            footer=("YOURS TO DISCOVER", "JE ME SOUVIENS", "BEAUTIFUL"),
            glyph_share=0.46,
        ),
    ),
    "IN": (
        Layout(
            (500, 120),
            ("LL DD LL DDDD", "LLDDLLDDDD", "LL DD L DDDD", "LL DLL DDDD"),
            (DARK_ON_WHITE, (YELLOW, BLACK), (GREEN, WHITE), (BLACK, YELLOW)),
            "IND",
            glyph_share=0.60,
            weight=2.0,
        ),
        Layout((500, 120), ("LL DD LL DDDD", "LL-DD-LL-DDDD"), (DARK_ON_WHITE, (YELLOW, BLACK)), glyph_share=0.60),
        Layout(
            (340, 200),
            ("LL DD/LL DDDD", "LL DD LL/DDDD", "LLDD/LDDDD"),
            (DARK_ON_WHITE, (YELLOW, BLACK)),
            "IND",
            weight=1.5,
        ),
        Layout((200, 100), ("LL DD/LL DDDD", "LLDD LL/DDDD"), (DARK_ON_WHITE, (BLACK, WHITE)), weight=1.0),
    ),
    "ID": (
        Layout(
            (395, 135),
            ("L DDDD LLL", "LL DDDD LL", "L DDDD LL", "LL DDDD L", "L DDD LL", "LL DDDD LLL"),
            ((BLACK, WHITE), (WHITE, BLACK), (YELLOW, BLACK), (RED, WHITE)),
            glyph_share=0.55,
            is_dated=True,
            weight=3.0,
        ),
        Layout(
            (275, 110),
            ("L DDDD LLL", "LL DDDD LL"),
            ((BLACK, WHITE), (WHITE, BLACK)),
            glyph_share=0.55,
            is_dated=True,
        ),
    ),
    "VN": (
        Layout((190, 140), ("DD-LD/DDD.DD", "DD-LD/DDDD", "DD-LL/DDD.DD", "DD-LL/DDDDD"), weight=3.0),
        Layout(
            (330, 165),
            ("DDL/DDD.DD", "DDL-/DDDD", "DDL/DDDDD"),
            (DARK_ON_WHITE, DARK_ON_WHITE, (YELLOW, BLACK), (BLUE, WHITE)),
            weight=1.5,
        ),
        Layout(
            (500, 110),
            ("DDL-DDD.DD", "DDL-DDDD", "DDL-DDDDD"),
            (DARK_ON_WHITE, DARK_ON_WHITE, (YELLOW, BLACK), (BLUE, WHITE)),
            weight=2.0,
        ),
    ),
    "CN": (
        Layout(
            (440, 140),
            ("#L.DDDDD", "#L.XDDDD", "#L.DXDDD", "#L.XXDDD", "#L.DDDDX"),
            ((BLUE, WHITE), (BLUE, WHITE), (YELLOW, BLACK)),
            glyph_share=0.64,
            weight=1.5,
        ),
        Layout((480, 140), ("#L.dDDDDD", "#L.fDDDDD", "#L.DDDDDL"), (((140, 215, 150), BLACK),), glyph_share=0.64),
    ),
    "MY": (
        Layout((520, 112), ("LLL DDDD", "LL DDDD", "L DDDD L"), ((BLACK, WHITE),)),
        Layout((300, 180), ("LLL/DDDD",), ((BLACK, WHITE),), weight=0.5),
    ),
    "SG": (
        Layout((520, 110), ("LLL DDDD L", "LLLDDDDL"), ((BLACK, WHITE), (WHITE, BLACK))),
        Layout((280, 180), ("LLL/DDDDL",), ((BLACK, WHITE),), weight=0.5),
    ),
    "PH": (
        Layout(
            (390, 140),
            ("LLL DDDD", "LLL DDD"),
            ((WHITE, BLACK), (WHITE, GREEN)),
            footer=("PILIPINAS",),
            glyph_share=0.56,
        ),
    ),
    "TH": (Layout((340, 150), ("D## DDDD", "## DDDD"), header=("",), footer=("BKK",), glyph_share=0.5, weight=0.4),),
    "PK": (
        Layout(
            (360, 150),
            ("LLL-DDD", "LLL DDDD", "LL-DDDD"),
            (DARK_ON_WHITE, (YELLOW, BLACK)),
            header=("PUNJAB", "SINDH", "ISLAMABAD"),
            glyph_share=0.5,
        ),
    ),
    "AE": (Layout((520, 110), ("DD DDDDD", "L DDDDD", "L DDDD"), (DARK_ON_WHITE,), header=("",)),),
    "EG": (Layout((340, 170), ("DDD-LLL", "DDDD-LL"), top_band="EGYPT", glyph_share=0.5, weight=0.3),),
    "ZA": (
        Layout(
            (440, 120),
            ("LL DD LL gp", "LLL DDD gp", "ca DDD-DDD", "LL DD LL L"),
            (DARK_ON_WHITE, (WHITE, (120, 50, 20))),
            glyph_share=0.6,
        ),
    ),
    "KE": (
        Layout((520, 110), ("kLL DDDL", "LLL DDD"), (DARK_ON_WHITE, (YELLOW, BLACK))),
        Layout((280, 200), ("kLL/DDDL",), weight=0.4),
    ),
    "NG": (
        Layout(
            (400, 140),
            ("LLL-DDDLL", "LL DDD LLL"),
            ((WHITE, BLUE), (WHITE, RED)),
            header=("LAGOS", "ABUJA"),
            footer=("FEDERAL REPUBLIC OF NIGERIA",),
            glyph_share=0.46,
        ),
    ),
    "MA": (
        Layout(
            (520, 110),
            ("DDDDD|L|DD", "DDDDD-L-D"),
        ),
    ),
    "AU": (
        Layout(
            (372, 134),
            ("LLL DDD", "LL-DD-LL", "DLL-DLL", "DDD-LLL"),
            (DARK_ON_WHITE, (YELLOW, BLACK), (WHITE, BLUE), (WHITE, GREEN)),
            header=("", "QUEENSLAND"),
            footer=("NEW SOUTH WALES", "VICTORIA - THE EDUCATION STATE", "SUNSHINE STATE"),
            glyph_share=0.52,
        ),
    ),
    "NZ": (Layout((360, 125), ("LLLDDD", "LLDDDD"), glyph_share=0.6),),
    "JE": _european("GBJ", ("jDDDDD", "jDDDDDD"), ("j/DDDDD", "jDD/DDD")),
}

US_REGIONS = tuple(f"US-{code}" for code in STATES)
REGIONS = tuple(sorted(COUNTRIES)) + US_REGIONS
"""Every region that can be drawn; the recogniser's region head follows this order."""
