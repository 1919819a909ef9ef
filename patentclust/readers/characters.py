"""Characters that old formats spell out: entities of the ISO sets and the dot codes of the USPTO. Pure.

Sources: ISO 8879 and ISO 9573-13 (entities that HTML has not taken over), the USPTO's Green Book (`.alpha.`).
"""

from __future__ import annotations

import re
from html.entities import html5

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "omicron": "ο", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
# ISO Greek 1 and 2; `it` and `af` (invisible operators) leave nothing.
_ISO = {
    "agr": "α", "bgr": "β", "ggr": "γ", "dgr": "δ", "egr": "ε", "zgr": "ζ", "eegr": "η", "thgr": "θ", "igr": "ι",
    "kgr": "κ", "lgr": "λ", "mgr": "μ", "ngr": "ν", "xgr": "ξ", "ogr": "ο", "pgr": "π", "rgr": "ρ", "sgr": "σ",
    "sfgr": "ς", "tgr": "τ", "ugr": "υ", "phgr": "φ", "khgr": "χ", "psgr": "ψ", "ohgr": "ω", "Agr": "Α", "Bgr": "Β",
    "Ggr": "Γ", "Dgr": "Δ", "Egr": "Ε", "Zgr": "Ζ", "EEgr": "Η", "THgr": "Θ", "Igr": "Ι", "Kgr": "Κ", "Lgr": "Λ",
    "Mgr": "Μ", "Ngr": "Ν", "Xgr": "Ξ", "Ogr": "Ο", "Pgr": "Π", "Rgr": "Ρ", "Sgr": "Σ", "Tgr": "Τ", "Ugr": "Υ",
    "PHgr": "Φ", "KHgr": "Χ", "PSgr": "Ψ", "OHgr": "Ω", "aacgr": "ά", "Aacgr": "Ά", "eacgr": "έ", "Eacgr": "Έ",
    "eeacgr": "ή", "EEacgr": "Ή", "idigr": "ϊ", "Idigr": "Ϊ", "iacgr": "ί", "Iacgr": "Ί", "idiagr": "ΐ", "oacgr": "ό",
    "Oacgr": "Ό", "udigr": "ϋ", "Udigr": "Ϋ", "uacgr": "ύ", "Uacgr": "Ύ", "udiagr": "ΰ", "ohacgr": "ώ", "OHacgr": "Ώ",
    "rehy": "‐", "lsquor": "‚", "ldquor": "„", "angst": "Å", "equals": "=", "minus": "−", "it": "", "af": "",
    "Circlesolid": "●", "circlesolid": "●", "longdash": "—", "Asteriskpseud": "*", "Parenopenst": "(",
    "Parenclosest": ")", "Brketopenst": "[", "Brketclosest": "]", "sl0": "⁰", "emptyv": "∅", "Verbar": "‖",
}  # fmt: skip
_CODES = {
    **_GREEK, **{name.upper(): letter.upper() for name, letter in _GREEK.items()},
    "lamda": "λ", "RTM": "®", "TM": "™", "SM": "℠", "COPYRGT": "©", "COPYRG": "©", "AMP": "&", "LT": "<", "GT": ">",
    "degree": "°", "times": "×", "div": "÷", "+-": "±", "-+": "∓", "about": "~", "apprxeq": "≅", "congruent": "≅",
    "approxeq": "≈", "apprch": "≐", "perspectiveto": "≃", "noteq": "≠", "ident": "≡", "notident": "≢", "ltoreq": "≤",
    "gtoreq": "≥", "ltoreg": "≤", "gtoreg": "≥", "ltorsim": "≲", "gtorsim": "≳", "notlessthan": "≮",
    "notgreaterthan": "≯", "infin": "∞", "varies": "∝", "intg": "∫", "intgral": "∫", "sqroot": "√", "cuberoot": "∛",
    "differential": "∂", "gradient": "∇", "increment": "∆", "di-elect cons": "∈", "andgate": "∩", "orgate": "∪",
    "OR right": "⊂", "A-inverted": "∀", "E-backward": "∃", "thrfore": "∴", "BECAUSE": "∵", "because": "∵", "angle": "∠",
    "perp": "⊥", "parallel": "∥", "vertline": "|", "cndot": "·", "multidot": "·", "smallcircle": "∘",
    "circleincircle": "⊚", "circle-w/dot": "⊙", "sym": "⊕", "crclbar": "⊖", "fwdarw": "→", "rarw": "←", "uparw": "↑",
    "dwnarw": "↓", "revreaction": "⇄", "reveaction": "⇌", "dbd": "=", "tbd": "≡", "sbd": "-", "ANG": "Å", "ang": "å",
    "cent": "¢", "English Pound": "£", "sctn": "§", "dagger": "†", "dagger-dbl": "‡", "permill": "‰", "Salinity": "‰",
    "asterisk-pseud": "*", "male": "♂", "female": "♀", "music-sharp": "♯", "music-flat": "♭", "quadrature": "□",
    "box-solid": "■",
    "square-solid": "■", "Math": "·", "circle-solid": "●", "largecircle": "◯", "circle": "◯", "star-solid": "★",
    "diamond": "◇", "diamond-solid": "◆", "tangle-solidup": "▲",
    "left brkt-top": "⌈", "right brkt-top": "⌉", "left brkt-bot": "⌊",
    "right brkt-bot": "⌋", "paren open-st": "(", "paren close-st": ")", "brket open-st": "[", "brket close-st": "]",
    "ae butted": "æ", "prime": "′", "dblprime": "″", "dblquote": '"', "hoarfrost": "␣",
    # A subscript is printed where it stands, and so is what a reissue adds.
    "sub": "", "sup": "", "sbsb": "", "sbsp": "", "spsb": "", "spsp": "", "Iadd": "", "Iaddend": "", "[": "[", "]": "]",
}  # fmt: skip
# Addresses on the web are full of points and stay as they are.
_CODE = re.compile(rf"(?:https?://|www\.)\S+|\.({'|'.join(map(re.escape, sorted(_CODES, key=len, reverse=True)))})\.")
# What a reissue strikes out is no part of it.
_STRUCK = re.compile(r"\.\[\.(?:(?!\.[\[\]]\.).)*\.\]\.", re.DOTALL)
# A blank ends a subscript; between elements, as in `C.sub.2 H.sub.5 OH`, it is not printed.
_ELEMENT = r"(?:Ag|Al|Ba|Br|Ca|Cl|Co|Cr|Cu|Fe|Li|Mg|Mn|Na|Ni|Pb|Si|Sn|Ti|Zn|Zr|B|C|F|H|N|O|P|S)"
_FORMULA = re.compile(rf"(?<![a-z])({_ELEMENT}|\))\.sub\.(\d{{1,3}}) (?={_ELEMENT}(?:\.sub\.|[A-Z()]|[^A-Za-z]|\Z))")

# The USPTO's public search gives many signs as `.Math.`, the point of a product and, before a unit, the micro sign.
_MICRO = re.compile(r"(?<=\s)\.Math\.(?=(?:mol|Pa|[mglLsACFHJMNSVW])\b|-law\b)")


def named(entity: str) -> str | None:
    """Return the characters of an entity by its name (`agr`, `b.alpha`, `lsqb`), "" for an invisible one, or None."""
    if entity in _ISO:
        return _ISO[entity]
    # ISO Greek 4 is the bold of Greek 3.
    plain = entity.removeprefix("b.")
    # Some converters write all names in capitals.
    spellings = (plain, plain.capitalize(), plain.lower()) if plain.isupper() else (plain,)
    return _GREEK.get(plain) or next((found for name in spellings if (found := html5.get(f"{name};"))), None)


def without_codes(text: str) -> str:
    """Put characters in place of dot codes: `5 .mu.m of H.sub.2 O` gives `5 μm of H2O`."""
    kept = _STRUCK.sub("", text) if ".[." in text else text
    return _CODE.sub(
        lambda match: _CODES[match[1]] if match[1] else match[0], _FORMULA.sub(r"\1.sub.\2", _MICRO.sub("μ", kept))
    )
