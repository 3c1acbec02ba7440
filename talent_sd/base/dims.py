"""The axes of every dataset, named once."""

SCENARIO = "scenario"
DRAW = "draw"
TIME = "time"
CITY = "city"
