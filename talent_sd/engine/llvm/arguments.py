"""What a compiled function is given: a block of 64-bit fields, addresses first."""

POINTERS = (
    "constants", "times", "due", "series", "tables", "table_index", "kept", "record",
    "varying", "member_series", "out", "bad",
)  # fmt: skip
INTEGERS = ("points", "n_saved", "stride_in", "stride_out", "seed", "member_offset")
ARGUMENTS = (*POINTERS, *INTEGERS, "dt")
"""Fields of the block of 64-bit arguments, in order."""
