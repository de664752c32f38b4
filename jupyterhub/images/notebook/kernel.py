"""Jupyter's own test suite for the kernel of a notebook image; runs inside the image.

Each image's smoke test adds what is its own: ``display``, code that shows something of its library.
"""

import unittest

from jupyter_kernel_test import KernelTests


class PythonKernel(KernelTests):
    """The kernel that every notebook image offers under ``python3``."""

    kernel_name = "python3"
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('to the log', file=sys.stderr)"
    completion_samples = [{"text": "impor", "matches": {"import"}}]  # noqa: RUF012
    complete_code_samples = ["1", "print('hello')", "def f(x):\n  return x*2\n\n"]  # noqa: RUF012
    incomplete_code_samples = ["print('''hello", "def f(x):\n  x*2"]  # noqa: RUF012
    invalid_code_samples = ["import = 7q"]  # noqa: RUF012
    code_page_something = "zip?"
    code_generate_error = "raise ValueError('as asked')"
    code_execute_result = [{"code": "1+2+3", "result": "6"}]  # noqa: RUF012
    code_inspect_sample = "zip"
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "search")
    code_history_operations = ""


def check_kernel(display_code: str, mime: str) -> int:
    """Run the suite; return how many tests ran.

    Parameters
    ----------
    display_code
        Code of the image's own library that displays something.
    mime
        The type of what it displays.
    """
    PythonKernel.code_display_data = [{"code": display_code, "mime": mime}]
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(PythonKernel)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful():
        raise SystemExit("the kernel fails Jupyter's own tests; they stand above")
    return result.testsRun - len(result.skipped)
