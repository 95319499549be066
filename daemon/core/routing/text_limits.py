"""What an SMS that tells an alert may be: how long, how often, to how many. Pure."""

from datetime import timedelta

from daemon.core.durations import HOUR

MOST_PARTS, END_PARTS = 2, 1
"""Ours. Parts of one that says what is wrong, and of one that says that it is over; the units of the second
are held when the first is sent."""
MOST_NUMBERS = 20
"""Ours. Of one `[[texts]]`: each has a thread of its own while it is told."""
MOST_IN_AN_HOUR, WITHIN = 10, HOUR
"""To one number, whichever endpoints it has."""
LONGEST_HOLD = timedelta(hours=4)
"""How long a message waits for units at most, until somebody looks again; where there are some, at once."""
