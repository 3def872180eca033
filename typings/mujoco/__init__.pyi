# MuJoCo is compiled and ships no types. This lets pyright take every name of it as Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
