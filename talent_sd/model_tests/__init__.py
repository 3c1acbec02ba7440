"""The tests of the model itself: behaviour checks, standard tests, engines against each other.

In: the model, `city.checks.yaml`, Reality Checks in the model's text.
Out: verdicts.
"""
