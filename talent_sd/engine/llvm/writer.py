"""Text of LLVM IR, one function body at a time, over explicit vectors.

The text is written directly: it is several times faster than building LLVM's
objects one by one, and what is hashed for the cache is what is compiled.
No instruction carries a fast-math flag, so a lane's result depends on that
lane's operands alone, whatever the width and the processor.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence


def bits_of(value: float) -> int:
    """Return the 64 bits of a double as an unsigned integer.

    >>> hex(bits_of(1.0))
    '0x3ff0000000000000'
    """
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


class Writer:
    """Collects the instructions of one function.

    Parameters
    ----------
    width : lanes of a vector; 1 writes plain scalars
    fma : whether the processor has a fused multiply-add; it changes the speed of
        `two_product`, never a result

    Values are names of LLVM registers or literals (plain text), each of type
    `real` (doubles), `word` (64-bit integers) or `mask` (one bit a lane).
    """

    def __init__(self, width: int, fma: bool) -> None:
        self.width = width
        self.fma = fma
        self.lines: list[str] = []
        self._next = 0
        self.real = self._vector("double")
        self.word = self._vector("i64")
        self.mask = self._vector("i1")

    def _vector(self, element: str) -> str:
        return element if self.width == 1 else f"<{self.width} x {element}>"

    def _splat(self, element: str, literal: str) -> str:
        if self.width == 1:
            return literal
        return "<" + ", ".join([f"{element} {literal}"] * self.width) + ">"

    # ---- text ------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Add an instruction that yields nothing, or a label."""
        self.lines.append(text)

    def name(self, hint: str = "v") -> str:
        """Return a register name not used before in this function."""
        self._next += 1
        return f"%{hint}{self._next}"

    def let(self, text: str) -> str:
        """Add an instruction and return the register that holds its value."""
        self._next += 1
        register = f"%v{self._next}"
        self.lines.append(f"  {register} = {text}")
        return register

    def label(self, hint: str) -> str:
        """Return a label not used before (not yet placed)."""
        self._next += 1
        return f"{hint}{self._next}"

    # ---- literals --------------------------------------------------------------

    def number(self, value: float) -> str:
        """Return a double in every lane."""
        return self.literal(bits_of(value))

    def literal(self, bits: int) -> str:
        """Return the double of these bits in every lane."""
        return self._splat("double", f"0x{bits:016X}")

    def integer(self, value: int) -> str:
        """Return a 64-bit integer in every lane."""
        return self._splat("i64", str(value))

    def bit(self, value: bool) -> str:
        """Return true or false in every lane."""
        return self._splat("i1", "true" if value else "false")

    # ---- doubles ---------------------------------------------------------------

    def add(self, a: str, b: str) -> str:
        """A + b."""
        return self.let(f"fadd {self.real} {a}, {b}")

    def sub(self, a: str, b: str) -> str:
        """A - b."""
        return self.let(f"fsub {self.real} {a}, {b}")

    def mul(self, a: str, b: str) -> str:
        """A * b."""
        return self.let(f"fmul {self.real} {a}, {b}")

    def div(self, a: str, b: str) -> str:
        """A / b."""
        return self.let(f"fdiv {self.real} {a}, {b}")

    def neg(self, a: str) -> str:
        """-a: flips the sign bit, of NaN too."""
        return self.let(f"fneg {self.real} {a}")

    def absolute(self, a: str) -> str:
        """|a|: clears the sign bit."""
        return self.real_of(self.iand(self.word_of(a), self.integer(0x7FFF_FFFF_FFFF_FFFF)))

    def compare(self, predicate: str, a: str, b: str) -> str:
        """Compare doubles by an LLVM predicate (olt, oge, une, uno, ...)."""
        return self.let(f"fcmp {predicate} {self.real} {a}, {b}")

    def select(self, mask: str, a: str, b: str) -> str:
        """A where the mask is true, else b."""
        return self.let(f"select {self.mask} {mask}, {self.real} {a}, {self.real} {b}")

    def fused(self, a: str, b: str, c: str) -> str:
        """A * b + c, rounded once. Only where the processor has it."""
        t = self.real
        return self.let(f"call {t} @llvm.fma.{self.suffix}({t} {a}, {t} {b}, {t} {c})")

    def intrinsic(self, name: str, a: str) -> str:
        """An exactly rounded LLVM intrinsic of one operand (sqrt, trunc, rint)."""
        return self.let(f"call {self.real} @llvm.{name}.{self.suffix}({self.real} {a})")

    @property
    def pair(self) -> str:
        """Type of two doubles."""
        return f"{{ {self.real}, {self.real} }}"

    def return_pair(self, a: str, b: str) -> None:
        """End the function with two doubles."""
        first = self.let(f"insertvalue {self.pair} poison, {self.real} {a}, 0")
        self.line(f"  ret {self.pair} {self.let(f'insertvalue {self.pair} {first}, {self.real} {b}, 1')}")

    def unpair(self, pair: str) -> tuple[str, str]:
        """Return the two doubles of a pair."""
        first, second = (self.let(f"extractvalue {self.pair} {pair}, {i}") for i in (0, 1))
        return first, second

    @property
    def suffix(self) -> str:
        """How LLVM's intrinsics name the type of doubles."""
        return "f64" if self.width == 1 else f"v{self.width}f64"

    # ---- integers and masks ----------------------------------------------------

    def integers(self, operation: str, a: str, b: str) -> str:
        """Integer operation of two words (add, sub, and, or, xor, shl, lshr, mul)."""
        return self.let(f"{operation} {self.word} {a}, {b}")

    def iand(self, a: str, b: str) -> str:
        """Bitwise and of two words."""
        return self.integers("and", a, b)

    def icompare(self, predicate: str, a: str, b: str) -> str:
        """Compare words (eq, ult, slt, ...)."""
        return self.let(f"icmp {predicate} {self.word} {a}, {b}")

    def iselect(self, mask: str, a: str, b: str) -> str:
        """Word a where the mask is true, else b."""
        return self.let(f"select {self.mask} {mask}, {self.word} {a}, {self.word} {b}")

    def masks(self, operation: str, a: str, b: str) -> str:
        """Combine two masks (and, or, xor)."""
        return self.let(f"{operation} {self.mask} {a}, {b}")

    def invert(self, a: str) -> str:
        """True where the mask is false."""
        return self.masks("xor", a, self.bit(True))

    def word_of(self, a: str) -> str:
        """Bits of doubles as words."""
        return self.let(f"bitcast {self.real} {a} to {self.word}")

    def real_of(self, a: str) -> str:
        """Words read as the bits of doubles."""
        return self.let(f"bitcast {self.word} {a} to {self.real}")

    def truth(self, mask: str) -> str:
        """1.0 where the mask is true, else 0.0."""
        return self.select(mask, self.number(1.0), self.number(0.0))

    def any(self, mask: str) -> str:
        """One bit: whether any lane of the mask is true."""
        if self.width == 1:
            return mask
        packed = self.let(f"bitcast {self.mask} {mask} to i{self.width}")
        return self.let(f"icmp ne i{self.width} {packed}, 0")

    # ---- lanes and memory ------------------------------------------------------

    def broadcast(self, scalar: str, element: str = "double") -> str:
        """A scalar in every lane."""
        if self.width == 1:
            return scalar
        vector = f"<{self.width} x {element}>"
        first = self.let(f"insertelement {vector} poison, {element} {scalar}, i32 0")
        return self.let(
            f"shufflevector {vector} {first}, {vector} poison, <{self.width} x i32> zeroinitializer"
        )

    def lanes(self, vector: str, element: str = "double") -> list[str]:
        """The scalars of a vector."""
        if self.width == 1:
            return [vector]
        kind = f"<{self.width} x {element}>"
        return [self.let(f"extractelement {kind} {vector}, i32 {i}") for i in range(self.width)]

    def join(self, scalars: Sequence[str], element: str = "double") -> str:
        """A vector from its scalars."""
        if self.width == 1:
            return scalars[0]
        kind = f"<{self.width} x {element}>"
        vector = "poison"
        for i, scalar in enumerate(scalars):
            vector = self.let(f"insertelement {kind} {vector}, {element} {scalar}, i32 {i}")
        return vector

    def address(self, base: str, index: str, element: str = "double") -> str:
        """Address of an element: base + index (a 64-bit integer, text or literal)."""
        return self.let(f"getelementptr {element}, ptr {base}, i64 {index}")

    def load_scalar(self, base: str, index: str, element: str = "double") -> str:
        """One element of an array."""
        return self.let(f"load {element}, ptr {self.address(base, index, element)}, align 8")

    def load_uniform(self, base: str, index: str) -> str:
        """One element of an array, in every lane."""
        return self.broadcast(self.load_scalar(base, index))

    def load(self, base: str, index: str) -> str:
        """A vector starting at base + index."""
        return self.let(f"load {self.real}, ptr {self.address(base, index)}, align 8")

    def store(self, value: str, base: str, index: str) -> None:
        """Store a vector at base + index."""
        self.line(f"  store {self.real} {value}, ptr {self.address(base, index)}, align 8")

    def gather(self, base: str, index: str) -> str:
        """base[index], lane by lane; index is a vector of words."""
        if self.width == 1:
            return self.load_scalar(base, index)
        pointers = self.let(f"getelementptr double, ptr {base}, {self.word} {index}")
        kind = f"<{self.width} x ptr>"
        return self.let(
            f"call {self.real} @llvm.masked.gather.{self.suffix}.v{self.width}p0("
            f"{kind} {pointers}, i32 8, {self.mask} {self.bit(True)}, {self.real} poison)"
        )

    # ---- functions -------------------------------------------------------------

    def call(self, function: str, *arguments: str) -> str:
        """Call one of this module's functions of doubles, by its name without the width."""
        operands = ", ".join(f"{self.real} {a}" for a in arguments)
        return self.let(f"call {self.real} @{function}_{self.width}({operands})")

    def lower_word(self, word: str) -> str:
        """A small non-negative word (below 2^52) as a double, exactly, without a conversion instruction.

        AVX2 and SSE2 have none for vectors of 64-bit integers.
        """
        biased = self.integers("or", word, self.integer(0x4330_0000_0000_0000))
        return self.sub(self.real_of(biased), self.number(2.0**52))


def function(name: str, result: str, parameters: Sequence[str], writer: Writer) -> str:
    """Return the text of an internal function whose body `writer` holds."""
    body = "\n".join(writer.lines)
    head = f"define internal {result} @{name}({', '.join(parameters)}) nounwind noinline"
    return f"{head} {{\nentry:\n{body}\n}}\n"
