"""How US publications print dates, numbers and names, in XML as in PDF."""

from __future__ import annotations

from datetime import date

from making.source import Patent, split_name

MONTHS = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "Jun.", "Jul.", "Aug.", "Sep.", "Oct.", "Nov.", "Dec.")


def printed_date(day: date) -> str:
    """Return `Feb. 5, 2019`, whatever the locale."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def printed_application(number: str) -> str:
    """Return `98/910,001`."""
    return f"{number[:2]}/{number[2:5]},{number[5:]}"


def short_name(patent: Patent) -> str:
    """Return `Colbourne et al.`."""
    return split_name(patent.inventors[0])[1] + (" et al." if len(patent.inventors) > 1 else "")


def full_sections(patent: Patent) -> list[tuple[str, list[str]]]:
    """Return the description with the section before it that claims the priority."""
    country, claimed = patent.priority_claim
    what = f"{country} Patent Application No. {claimed}"
    if country == "US":
        what = f"U.S. Provisional Application No. {printed_application(claimed)}"
    sentence = f"This application claims priority to {what}, filed on {printed_date(patent.priority)}."
    return [("CROSS-REFERENCE TO RELATED APPLICATIONS", [sentence]), *patent.sections]
