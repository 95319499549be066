"""Words of the front page."""

WORDS = {
    "front.title": ("Now", "עכשיו"),
    "front.well": ("All is well", "הכול תקין"),
    "front.wrong.one": ("One thing is wrong", "יש תקלה אחת"),
    "front.wrong.two": ("Two things are wrong", "יש שתי תקלות"),
    "front.wrong.many": ("{n} things are wrong", "יש {n} תקלות"),
    "front.system": ("System {name}", "מערכת {name}"),
}
