"""The row source of a list that has not been given one yet."""

from __future__ import annotations

from typing import Final

from services.models import MessageRow


class _NoRows:
    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def row(self, position: int) -> MessageRow:
        raise IndexError(position)

    def message_id(self, position: int) -> str:
        raise IndexError(position)

    def position_of(self, message_id: str) -> int | None:  # noqa: ARG002 - the port's signature
        return None


NO_ROWS: Final = _NoRows()
