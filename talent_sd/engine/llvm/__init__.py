"""The native back end: flat programs to vector machine code through LLVM."""
