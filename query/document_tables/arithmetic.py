"""Working out figures in writing: `(875.8 - 557.8) / 557.8 * 100` to its value, exactly, and nothing else."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation

LONGEST = 400  # characters
_OPERATIONS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def worked_out(written: str) -> Decimal | None:
    """The value of an expression of numbers, `+ - * /` and brackets; None for anything else.

    >>> worked_out("(3 + 5) / 2")
    Decimal('4')
    """
    if len(written) > LONGEST:
        return None
    try:
        return _value(ast.parse(written, mode="eval").body, written)
    except (SyntaxError, ValueError, RecursionError, InvalidOperation, DivisionByZero):
        return None


def numbers_in(written: str) -> tuple[Decimal, ...]:
    """The numbers that an expression is made of, without sign."""
    try:
        tree = ast.parse(written, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found = (ast.get_source_segment(written, n) for n in ast.walk(tree) if isinstance(n, ast.Constant))
    return tuple(Decimal(text) for text in found if text)


def _value(node: ast.expr, written: str) -> Decimal:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Decimal(ast.get_source_segment(written, node) or "")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, written)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left, written), _value(node.right, written))
    raise ValueError(f"not arithmetic: {type(node).__name__}")
