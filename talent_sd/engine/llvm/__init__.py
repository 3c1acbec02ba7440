"""The native back end: a flat program as LLVM IR over vectors, compiled and run by threads.

In: a `Program` and arrays of inputs.
Out: the values of its outputs, member by member.
"""
