"""Owns the base score of a CVSS 3 vector.

https://www.first.org/cvss/v3.1/specification-document, section 7
"""

import math

ATTACK = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
COMPLEXITY = {"L": 0.77, "H": 0.44}
PRIVILEGES = {"N": (0.85, 0.85), "L": (0.62, 0.68), "H": (0.27, 0.5)}
INTERACTION = {"N": 0.85, "R": 0.62}
IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}


def base_score(vector: str) -> float | None:
    """Return the base score, 0 to 10, of a vector of version 3.0 or 3.1; None for any other text."""
    parts = dict(part.split(":", 1) for part in vector.split("/") if ":" in part)
    if parts.get("CVSS") not in {"3.0", "3.1"}:
        return None
    try:
        is_changed = parts["S"] == "C"
        ease = 8.22 * ATTACK[parts["AV"]] * COMPLEXITY[parts["AC"]] * INTERACTION[parts["UI"]]
        ease *= PRIVILEGES[parts["PR"]][is_changed]
        spared = math.prod(1 - IMPACT[parts[name]] for name in ("C", "I", "A"))
    except KeyError:
        return None
    harm = 1 - spared
    impact = 7.52 * (harm - 0.029) - 3.25 * (harm - 0.02) ** 15 if is_changed else 6.42 * harm
    if impact <= 0:
        return 0.0
    return _rounded_up(min((1.08 if is_changed else 1.0) * (impact + ease), 10.0))


def band(score: float) -> str:
    """Return the word for a score (section 5 of the specification)."""
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


def _rounded_up(value: float) -> float:
    """Return the smallest tenth that is not below a value (Appendix A, which avoids errors of floats)."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
