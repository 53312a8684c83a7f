"""Runs NuSMV 2.5.4, which is a library inside the old wheels of pynusmv: `python nusmv.py LIBRARY ARGUMENT...`."""

from __future__ import annotations

import ctypes
import sys


def main(library: str, arguments: list[str]) -> int:
    """NuSMV's own main function, as its interpreter would call it."""
    nusmv = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    nusmv.NuSMVCore_init_data()
    nusmv.NuSMVCore_init(None, 0)
    nusmv.NuSMVCore_init_cmd_options()
    words = [b"NuSMV", *(argument.encode() for argument in arguments)]
    status = ctypes.c_int(0)
    nusmv.NuSMVCore_main(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None), ctypes.byref(status))
    return status.value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
