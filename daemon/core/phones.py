"""Phone numbers, made equal before they are compared: `+972…`, `972…` and `0…` name the same phone."""

COUNTRY = "972"
"""Israel, by ITU-T E.164."""
LONGEST_NATIONAL = 10
"""Digits of the longest number of Israel's numbering plan with its leading zero (05x-xxxxxxx)."""


def normalise(number: str) -> str:
    """The national form (`0541234567`) of an Israeli number; anything else as it is, without blanks."""
    bare = number.strip()
    digits = bare.removeprefix("+").replace("-", "").replace(" ", "")
    if not digits.isascii() or not digits.isdigit():
        return bare
    if digits.startswith(COUNTRY) and len(COUNTRY) < len(digits) <= len(COUNTRY) + LONGEST_NATIONAL - 1:
        return "0" + digits.removeprefix(COUNTRY)
    return digits
